/** Runs a command against an opened data directory, also while the gateway is serving from it. */
import { destination } from 'pino';
import { systemClock } from '../clock.js';
import { createLog } from '../log.js';
import { type Core, openCore } from '../open-core.js';
import type { Settings } from '../settings.js';

/** Runs `act` and prints what it returns; nothing, and no empty line either, where that is empty. */
export type RunWithCore = (act: (core: Core) => Promise<string>) => Promise<void>;

export function createRunWithCore(settings: () => Settings): RunWithCore {
  return async (act) => {
    const core = await openCore({ settings: settings(), log: createLog('warn', destination(2)), clock: systemClock });
    try {
      const text = await act(core);
      if (text !== '') console.log(text);
    } finally {
      await core.close();
    }
  };
}
