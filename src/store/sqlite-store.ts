/** The store in one SQLite file: a thread that writes, a connection that reads. */
import { GatewayError } from '../errors.js';
import { createDatabase } from './database.js';
import { createSqliteDialect } from './dialect.js';
import { createRepositories } from './repositories.js';
import {
  createSqliteFile,
  openForReading,
  openForWriting,
  type SqliteConnection,
  type SqliteSettings,
} from './sqlite-connection.js';
import { checkSqliteSchema, migrateSqlite } from './sqlite-migrate.js';
import { createSqliteReader } from './sqlite-reader.js';
import { startLastingWriter, startSqliteWriter } from './sqlite-writer.js';
import type { Store } from './store.js';
import { createWriterQueue } from './writer.js';

export interface SqliteStoreOptions {
  readonly file: string;
  /** OFF is for tests: a loss of power may cost the database. FULL if not given. */
  readonly synchronous?: SqliteSettings['synchronous'];
  /** For a command that only looks: `commit` refuses, and the file must exist and have this program's schema. */
  readonly readOnly?: boolean;
  readonly limits?: Partial<StoreLimits>;
}

export interface StoreLimits {
  /** How long to wait for a lock that another process holds. */
  readonly busyTimeoutMilliseconds: number;
  /** How many changes may wait; more are refused as 'unavailable'. */
  readonly waitingChanges: number;
  /** The file's greatest size in pages of 4 kB. */
  readonly pages: number;
}

/**
 * Opens the store; makes the file and its folder if they are not there, and brings the schema up to date.
 * @throws GatewayError 'internal' if a newer version of Gatehouse has written the file; whatever keeps it from being opened
 */
export async function openStore({
  file,
  synchronous = 'FULL',
  readOnly = false,
  limits = {},
}: SqliteStoreOptions): Promise<Store> {
  const { busyTimeoutMilliseconds, waitingChanges, pages } = { ...defaultLimits, ...limits };
  const settings: SqliteSettings = { file, synchronous, busyTimeoutMilliseconds, maximumPages: pages };
  if (!readOnly) {
    createSqliteFile(file);
    withConnection(openForWriting(settings), migrateSqlite);
  }
  const connection = openForReading(settings);
  try {
    checkSqliteSchema(connection);
    const writing = readOnly ? refuseWrites : await startWriting(settings, waitingChanges);
    const database = createDatabase(createSqliteDialect(), createSqliteReader(connection));
    return {
      ...createRepositories(database),
      database,
      commit: writing.commit,
      async close() {
        await writing.drain();
        // The writer comes last: the last connection to go empties the -wal file, and this one cannot.
        connection.close();
        await writing.close();
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

type Writing = Pick<Store, 'commit' | 'close'> & { drain(): Promise<void> };

const defaultLimits: StoreLimits = {
  busyTimeoutMilliseconds: 5000,
  waitingChanges: 10_000,
  // SQLite's own default.
  pages: 0xffff_fffe,
};

const refuseWrites: Writing = {
  commit: () => Promise.reject(new GatewayError('internal', 'the database was opened for reading only')),
  drain: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

async function startWriting(settings: SqliteSettings, maximumWaiting: number): Promise<Writing> {
  const writer = await startLastingWriter(() => startSqliteWriter(settings));
  const queue = createWriterQueue(writer.writeBatch, maximumWaiting);
  return { commit: queue.commit, drain: queue.drain, close: writer.close };
}

function withConnection(connection: SqliteConnection, work: (connection: SqliteConnection) => void): void {
  try {
    work(connection);
  } finally {
    connection.close();
  }
}
