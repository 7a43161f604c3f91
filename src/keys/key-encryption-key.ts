/** The key-encryption key: the one secret outside the database, which everything sealed inside it depends on. */
import { createSecretKey, hkdfSync, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { constants, type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { GatewayError } from '../errors.js';
import type { Change } from '../store/change.js';
import type { Store } from '../store/store.js';
import { syncFolder } from '../store/sync-folder.js';

/** Purposes with keys of their own: what one of them reveals says nothing about the others. */
type DerivedKeyPurpose = 'sealing' | 'passcodes' | 'acme-nonces' | 'ca-possession';

export interface KeyEncryptionKey {
  /** A 256-bit secret key, always the same for the same purpose. */
  derive(purpose: DerivedKeyPurpose): KeyObject;
}

export interface KeyEncryptionKeySource {
  readonly store: Pick<Store, 'meta' | 'commit'>;
  readonly dataDirectory: string;
  /** Where the operator keeps the key. `key-encryption-key` in the data directory if not given, and only there it is made. */
  readonly file?: string;
}

/** The key-encryption key cannot be used; the message tells the operator what to do. */
export class KeyEncryptionKeyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyEncryptionKeyError';
  }
}

/**
 * Loads the key, makes it at the very first start, and checks that it is the one this database was sealed with.
 * @throws KeyEncryptionKeyError; GatewayError 'unavailable' of the store
 */
export async function openKeyEncryptionKey(source: KeyEncryptionKeySource): Promise<KeyEncryptionKey> {
  const { store, dataDirectory } = source;
  const ownFile = resolve(dataDirectory, 'key-encryption-key');
  const file = resolve(source.file ?? ownFile);
  const isFirstStart = (await store.meta.find(checkName)) === undefined;
  if (isFirstStart && file === ownFile) await createKeyFile(file);
  const key = intoSecretKey(await readKeyFile(file, isFirstStart));
  // The first value stays, so that of two processes at a first start both go by the same one.
  if (isFirstStart) await store.commit(firstCheck(store, key)).catch(unlessThere);
  return await checked(store, key, file);
}

/**
 * As {@link openKeyEncryptionKey}, for a database that was sealed before: makes and writes nothing.
 * @throws KeyEncryptionKeyError; GatewayError 'unavailable' of the store
 */
export async function reopenKeyEncryptionKey({
  store,
  file,
}: {
  readonly store: Pick<Store, 'meta'>;
  readonly file: string;
}): Promise<KeyEncryptionKey> {
  if ((await store.meta.find(checkName)) === undefined) {
    throw new KeyEncryptionKeyError('no gateway has started on this database yet: nothing is sealed in it');
  }
  return await checked(store, intoSecretKey(await readKeyFile(file, false)), file);
}

const keyBytes = 32;
const checkName = 'key-encryption-key-check';

/** Makes the file complete or not at all; one that is there already, perhaps from another process just now, stays. */
async function createKeyFile(file: string): Promise<void> {
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

async function readKeyFile(file: string, isFirstStart: boolean): Promise<Uint8Array> {
  // Not blocking, so that a pipe in its place cannot keep the start waiting for ever.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause) => {
    const remedy = isFirstStart
      ? `make it with 'openssl rand -out ${file} ${keyBytes}' and 'chmod 600 ${file}', owned by whom the gateway runs as`
      : 'nothing that is sealed in this database opens without it, so restore it from your backup, or set GATEHOUSE_KEK_FILE to where it is';
    throw new KeyEncryptionKeyError(`cannot read the key-encryption key ${file}: ${remedy}`, { cause });
  });
  try {
    const status = await handle.stat();
    if (!status.isFile() || status.size !== keyBytes) {
      throw new KeyEncryptionKeyError(
        `the key-encryption key ${file} must be a file of exactly ${keyBytes} bytes, as 'openssl rand -out ${file} ${keyBytes}' makes it`,
      );
    }
    if ((status.mode & 0o077) !== 0) {
      throw new KeyEncryptionKeyError(
        `others than its owner may read or write the key-encryption key ${file}: run 'chmod 600 ${file}'`,
      );
    }
    return await readWhole(handle, file);
  } finally {
    await handle.close();
  }
}

async function readWhole(handle: FileHandle, file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(keyBytes);
  const { bytesRead } = await handle.read(bytes, 0, keyBytes, 0);
  if (bytesRead !== keyBytes) {
    throw new KeyEncryptionKeyError(`the key-encryption key ${file} changed while it was read; start again`);
  }
  return bytes;
}

function firstCheck({ meta }: Pick<Store, 'meta'>, key: KeyObject): Change {
  return { statements: [meta.insert({ name: checkName, value: toHex(deriveBytes(key, 'check')) })], audit: [] };
}

function unlessThere(error: unknown): void {
  if (!(error instanceof GatewayError && error.code === 'invalid-state')) throw error;
}

async function checked({ meta }: Pick<Store, 'meta'>, key: KeyObject, file: string): Promise<KeyEncryptionKey> {
  const actual = deriveBytes(key, 'check');
  const expected = Buffer.from((await meta.find(checkName)) ?? '', 'hex');
  if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) {
    throw new KeyEncryptionKeyError(
      `the key-encryption key does not fit this database: ${file} is not the key that it was sealed with`,
    );
  }
  return { derive: (purpose) => intoSecretKey(deriveBytes(key, purpose)) };
}

/** Takes the bytes over: they are wiped, and the key object does not show them when it is printed. */
function intoSecretKey(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function deriveBytes(key: KeyObject, purpose: DerivedKeyPurpose | 'check'): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `gatehouse ${purpose}`, keyBytes));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
