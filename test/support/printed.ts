/** What a subcommand of `gatehouse` that takes settings prints, run inside the test's process. */
import { jest } from '@jest/globals';
import type { Command } from 'commander';
import type { Settings } from '../../src/settings.js';

/** The lines it printed, and the message of what it threw. */
export interface Printed {
  readonly text: string;
  readonly error: string | undefined;
}

export async function runWithSettings(
  create: (settings: () => Settings) => Command,
  settings: Settings | (() => Settings),
  words: readonly string[] = [],
): Promise<Printed> {
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  let error: string | undefined;
  try {
    await create(typeof settings === 'function' ? settings : () => settings).parseAsync(words, { from: 'user' });
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  const text = log.mock.calls.map(([line]) => String(line)).join('\n');
  log.mockRestore();
  return { text, error };
}
