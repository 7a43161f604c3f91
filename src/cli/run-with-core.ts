/** Runs a command against an opened data directory, also while the gateway is serving from it. */
import { destination } from 'pino';
import { systemClock } from '../clock.js';
import { createLog } from '../log.js';
import { type Core, openCore } from '../open-core.js';
import type { Settings } from '../settings.js';
import { requireDatabase } from './existing-store.js';

/** Runs `act` and prints what it returns; nothing, and no empty line either, where that is empty. */
export type RunWithCore = (act: (core: Core) => Promise<string>) => Promise<void>;

/** @param makesDatabase whether a database that is not there is made: everywhere else a mistaken `--data` is told instead */
export function createRunWithCore(
  readSettings: () => Settings,
  { makesDatabase }: { readonly makesDatabase: boolean },
): RunWithCore {
  return async (act) => {
    const settings = readSettings();
    if (!makesDatabase) requireDatabase(settings);
    const core = await openCore({ settings, log: createLog('warn', destination(2)), clock: systemClock });
    try {
      const text = await act(core);
      if (text !== '') console.log(text);
    } finally {
      await core.close();
    }
  };
}
