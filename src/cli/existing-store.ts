/** The database as it is, for commands that only look: they make, migrate and write nothing, and need no key. */
import { existsSync } from 'node:fs';
import type { Settings } from '../settings.js';
import { openStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { CommandLineError } from './command-line-error.js';

/** @throws CommandLineError if there is none; GatewayError 'internal' if its schema is not this program's */
export async function withExistingStore<T>(
  { database }: Pick<Settings, 'database'>,
  act: (store: Store) => Promise<T>,
): Promise<T> {
  requireDatabase({ database });
  const store = await openStore({ file: database, readOnly: true });
  try {
    return await act(store);
  } finally {
    await store.close();
  }
}

/** @throws CommandLineError if there is none */
export function requireDatabase({ database }: Pick<Settings, 'database'>): void {
  if (existsSync(database)) return;
  throw new CommandLineError(
    `there is no database ${database}: start the gateway once, or give the --data that it runs with`,
  );
}
