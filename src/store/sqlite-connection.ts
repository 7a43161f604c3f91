/** How SQLite files are made and opened. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';

export interface SqliteSettings {
  readonly file: string;
  /** OFF is for tests: a loss of power may cost the database. */
  readonly synchronous: 'FULL' | 'OFF';
  /** How long to wait for a lock that another process holds. */
  readonly busyTimeoutMilliseconds: number;
  /** The file's greatest size in pages of 4 kB. */
  readonly maximumPages: number;
}

export type SqliteConnection = SqliteDatabase.Database;

/** Makes the file and the folders above it, for nobody but this user, if they are not there; leaves them alone if they are. */
export function createSqliteFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // SQLite gives its -wal and -shm files the permissions of this one.
  closeSync(openSync(file, 'a', 0o600));
}

/** @throws SqliteError */
export function openForWriting(settings: SqliteSettings): SqliteConnection {
  const connection = new SqliteDatabase(settings.file, { timeout: settings.busyTimeoutMilliseconds });
  connection.pragma('journal_mode = WAL');
  connection.pragma(`synchronous = ${settings.synchronous}`);
  connection.pragma('foreign_keys = ON');
  connection.pragma('trusted_schema = OFF');
  // What is deleted is overwritten wherever its page is written anyway: no keys and passwords stay behind.
  connection.pragma('secure_delete = FAST');
  // Savepoint journals go to files otherwise.
  connection.pragma('temp_store = MEMORY');
  connection.pragma('cache_size = -65536');
  connection.pragma('wal_autocheckpoint = 4000');
  connection.pragma(`max_page_count = ${settings.maximumPages}`);
  return connection;
}

/** @throws SqliteError if the file does not exist */
export function openForReading({ file, busyTimeoutMilliseconds }: SqliteSettings): SqliteConnection {
  const connection = new SqliteDatabase(file, { readonly: true, timeout: busyTimeoutMilliseconds });
  connection.pragma('trusted_schema = OFF');
  connection.pragma('temp_store = MEMORY');
  connection.pragma('cache_size = -65536');
  return connection;
}

/** Prepares each SQL text once. Texts are few, but for lists whose shape depends on the filters. */
export function createStatementCache(connection: SqliteConnection): (sql: string) => SqliteDatabase.Statement {
  const statements = new Map<string, SqliteDatabase.Statement>();
  return (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      if (statements.size === maximumStatements) {
        statements.clear();
      }
      statement = connection.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
}

const maximumStatements = 1000;

/** SQLite's own name of an error, such as SQLITE_BUSY; undefined if it is not an error of SQLite. */
export function sqliteErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return undefined;
  }
  return error.code.startsWith('SQLITE_') ? error.code : undefined;
}
