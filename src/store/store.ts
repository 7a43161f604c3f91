/** The store as the rest of the gateway sees it. */
import type { Change } from './change.js';
import type { Database } from './database.js';
import type { Repositories } from './repositories.js';

export interface Store extends Repositories {
  /**
   * Applies all of a change or nothing, durably before the promise resolves. Reads that begin afterwards see it.
   * @throws GatewayError the code of the statement that refused it; 'unavailable' if the database is full, locked, closed
   * or too busy; 'internal' for a programming mistake, with its cause
   */
  commit(change: Change): Promise<void>;
  /** Waits for what was committed before, then closes. */
  close(): Promise<void>;
  /** For stores that live elsewhere, such as a protocol's own. */
  readonly database: Database;
}
