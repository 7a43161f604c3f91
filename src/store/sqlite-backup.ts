/** Copies of an SQLite file that is in use, and whether a file is as SQLite wrote it. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { openForReading, type SqliteConnection, type SqliteSettings } from './sqlite-connection.js';
import { syncFolder } from './sync-folder.js';

/** How far a copy is, in pages. */
export interface CopyProgress {
  readonly copied: number;
  readonly total: number;
}

/**
 * Copies the database as it is at one moment, while others write to it, into one new file for nobody but this user, and
 * onto the disk. The target must not exist, and does not when the copy fails.
 * @throws Error of the file system; SqliteError
 */
export async function copyDatabase(
  file: string,
  target: string,
  onProgress: (progress: CopyProgress) => void,
): Promise<void> {
  const source = openForReading(connectionTo(file));
  try {
    closeSync(openSync(target, 'wx', 0o600));
    try {
      await copyPages(source, target, onProgress);
      intoOneFile(target);
    } catch (error) {
      await removeDatabase(target);
      throw error;
    }
  } finally {
    source.close();
  }
}

/** What SQLite finds wrong with a file, at most twenty things; nothing if all is well. It reads the whole of it. */
export function findDamage(file: string): readonly string[] {
  try {
    const connection = openForReading(connectionTo(file));
    try {
      const rows = connection.prepare<[], { integrity_check: string }>('pragma integrity_check(20)').all();
      return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
    } finally {
      connection.close();
    }
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Removes a database file that nobody has open, with what SQLite keeps beside it. */
export async function removeDatabase(file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${file}${suffix}`, { force: true });
}

/** Gives a finished file its name, for good. @throws Error of the file system; EEXIST if the name is taken */
export async function nameDatabase(unfinished: string, file: string): Promise<void> {
  // Taken first, so that the renaming never replaces anything but this; file systems without links can do it, too.
  closeSync(openSync(file, 'wx', 0o600));
  await rename(unfinished, file);
  // Without this a loss of power could take the name away.
  await syncFolder(dirname(file));
}

/** So many pages are copied at once, before others in this process have their turn. */
const pagesAtOnce = 2000;
const busyTimeoutMilliseconds = 5000;

function connectionTo(file: string): SqliteSettings {
  return { file, synchronous: 'FULL', busyTimeoutMilliseconds, maximumPages: 0xffff_fffe };
}

async function copyPages(
  source: SqliteConnection,
  target: string,
  onProgress: (progress: CopyProgress) => void,
): Promise<void> {
  // Inside one read transaction: else every commit of the gateway's would make the copy begin anew.
  source.exec('begin');
  source.prepare('select count(*) from sqlite_schema').get();
  await source.backup(target, {
    progress: ({ totalPages, remainingPages }) => {
      onProgress({ copied: totalPages - remainingPages, total: totalPages });
      return pagesAtOnce;
    },
  });
  source.exec('commit');
}

/** A copy still says that it has a write-ahead log, which then would have to travel with it. */
function intoOneFile(file: string): void {
  const copy = new SqliteDatabase(file);
  try {
    copy.pragma('journal_mode = DELETE');
  } finally {
    copy.close();
  }
  const descriptor = openSync(file, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
