/** Reads on a connection of their own that cannot write: they see what is committed, and never wait for the writer. */
import { GatewayError } from '../errors.js';
import type { RunRead } from './database.js';
import { createStatementCache, type SqliteConnection, sqliteErrorCode } from './sqlite-connection.js';

/** The connection remains the caller's to close. */
export function createSqliteReader(connection: SqliteConnection): RunRead {
  const prepared = createStatementCache(connection);
  // Async, so that errors reject and the callers are ready for a database that is elsewhere.
  return async (sql, parameters) => {
    try {
      return prepared(sql).all(...parameters);
    } catch (error) {
      throw toError(error, sql);
    }
  };
}

function toError(error: unknown, sql: string): GatewayError {
  const cause = new Error(`cannot run ${sql}`, { cause: error });
  return sqliteErrorCode(error) === 'SQLITE_ERROR'
    ? new GatewayError('internal', 'the request could not be looked up', { cause })
    : new GatewayError('unavailable', 'the gateway cannot look the request up now; try again later', {
        cause,
        retryAfterSeconds: 5,
      });
}
