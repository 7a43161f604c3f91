/** Files with secrets: the key-encryption key, and passphrases that it is made from. */
import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../store/sync-folder.js';
import { KeyEncryptionKeyError } from './key-encryption-key-error.js';

export const keyBytes = 32;

/** Makes the file complete or not at all; one that is there already, perhaps from another process just now, stays. */
export async function createKeyFile(file: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unfinished = `${file}.${randomBytes(8).toString('hex')}`;
  const handle = await open(unfinished, 'wx', 0o600);
  try {
    await writeAndClose(handle);
    // Unlike a rename, a link never replaces what is there.
    await link(unfinished, file).catch(unlessExists);
  } finally {
    await rm(unfinished, { force: true });
  }
  // Without this a loss of power could take the file away and leave the database that needs it.
  await syncFolder(folder);
}

/** @param isNew nothing depends on it yet: it is to be made where it is missing. @throws KeyEncryptionKeyError */
export async function readKeyFile(file: string, isNew: boolean): Promise<Uint8Array> {
  const remedy = isNew
    ? `make it with 'openssl rand -out ${file} ${keyBytes}' and 'chmod 600 ${file}', owned by whom the gateway runs as`
    : 'nothing that is sealed in this database opens without it, so restore it from your backup, or set GATEHOUSE_KEK_FILE to where it is';
  const bytes = await readSecret(file, { what: 'the key-encryption key', remedy, mostBytes: keyBytes });
  if (bytes?.length === keyBytes) return bytes;
  throw new KeyEncryptionKeyError(
    `the key-encryption key ${file} must be a file of exactly ${keyBytes} bytes, as 'openssl rand -out ${file} ${keyBytes}' makes it`,
  );
}

/** Without the end of its line. @throws KeyEncryptionKeyError */
export async function readPassphraseFile(file: string): Promise<Uint8Array> {
  const remedy = 'put the passphrase there, or set GATEHOUSE_KEK_PASSPHRASE_FILE to where it is';
  const bytes = await readSecret(file, { what: 'the passphrase', remedy, mostBytes: mostPassphraseBytes });
  const text = bytes === undefined ? bytes : withoutLineEnd(bytes);
  if (text === undefined || text.length < leastPassphraseBytes || text.includes(lineFeed)) {
    throw new KeyEncryptionKeyError(
      `the file ${file} must have one line with a passphrase of ${leastPassphraseBytes} to ${mostPassphraseBytes} characters`,
    );
  }
  return text;
}

const leastPassphraseBytes = 12;
const mostPassphraseBytes = 1024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

interface SecretFile {
  readonly what: string;
  /** What to do where it cannot be read. */
  readonly remedy: string;
  readonly mostBytes: number;
}

async function writeAndClose(handle: FileHandle): Promise<void> {
  const bytes = randomBytes(keyBytes);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    bytes.fill(0);
    await handle.close();
  }
}

/** Undefined for what is no file, or a longer one. */
async function readSecret(file: string, { what, remedy, mostBytes }: SecretFile): Promise<Uint8Array | undefined> {
  // Not blocking, so that a pipe in its place cannot keep the start waiting for ever.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause) => {
    throw new KeyEncryptionKeyError(`cannot read ${what} ${file}: ${remedy}`, { cause });
  });
  try {
    const status = await handle.stat();
    if (!status.isFile() || status.size > mostBytes) return undefined;
    if ((status.mode & 0o077) !== 0) {
      throw new KeyEncryptionKeyError(
        `others than its owner may read or write ${what} ${file}: run 'chmod 600 ${file}'`,
      );
    }
    return await readWhole(handle, status.size, file);
  } finally {
    await handle.close();
  }
}

async function readWhole(handle: FileHandle, size: number, file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  const { bytesRead } = await handle.read(bytes, 0, size, 0);
  if (bytesRead !== size) throw new KeyEncryptionKeyError(`${file} changed while it was read; start again`);
  return bytes;
}

function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) === lineFeed ? -1 : bytes.length;
  const line = bytes.subarray(0, end);
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
}

function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
