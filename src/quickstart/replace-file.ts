/** Writes files so that a crash leaves the old one or the new one, never a part. */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../store/sync-folder.js';

/** Puts a file in place as a whole, durably, over one that is there. */
export async function replaceFile(path: string, content: string, mode: 0o600 | 0o644): Promise<void> {
  await viaUnfinished(path, content, mode, (unfinished) => rename(unfinished, path));
}

/** The same, but a file that is there already, perhaps from another process just now, stays. */
export async function createFile(path: string, content: string, mode: 0o600 | 0o644): Promise<void> {
  await viaUnfinished(path, content, mode, async (unfinished) => {
    // Unlike a rename, a link never replaces what is there.
    await link(unfinished, path).catch(unlessCode('EEXIST'));
    await rm(unfinished);
  });
}

/** A text file's content, undefined if there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(unlessCode('ENOENT'));
}

async function viaUnfinished(
  path: string,
  content: string,
  mode: number,
  place: (unfinished: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = await open(unfinished, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(unfinished);
  } finally {
    await rm(unfinished, { force: true });
  }
  await syncFolder(dirname(path));
}

function unlessCode(code: string): (error: unknown) => undefined {
  return (error) => {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === code) {
      return undefined;
    }
    throw error;
  };
}
