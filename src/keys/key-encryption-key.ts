/** The key-encryption key: the one secret outside the database, which everything sealed inside it depends on. */
import { createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { resolve } from 'node:path';
import { GatewayError } from '../errors.js';
import type { AuditRecord } from '../store/change.js';
import type { Store } from '../store/store.js';
import { describeSource, type KekSource, newStretching, readKek } from './kek-source.js';
import { KeyEncryptionKeyError } from './key-encryption-key-error.js';
import { createKeyFile, keyBytes } from './key-file.js';
import {
  deriveKey,
  deriveOctets,
  masterKeyName,
  parseWrapped,
  toHex,
  unwrapMasterKey,
  wrapMasterKey,
  wrongKey,
} from './master-key.js';

/** Purposes with keys of their own: what one of them reveals says nothing about the others. */
type DerivedKeyPurpose = 'sealing' | 'passcodes' | 'acme-nonces' | 'ca-possession' | 'pins';

export interface KeyEncryptionKey {
  /** A 256-bit secret key, always the same for the same purpose. */
  derive(purpose: DerivedKeyPurpose): KeyObject;
}

interface OpenOptions {
  readonly store: Pick<Store, 'meta' | 'commit'>;
  /** The file `key-encryption-key` there is the one source that is made where it is missing. */
  readonly dataDirectory: string;
  readonly source: KekSource;
}

/**
 * Loads the key, makes it at the very first start, and checks that it is the one this database was sealed with.
 * @throws KeyEncryptionKeyError; GatewayError 'unavailable' of the store
 */
export async function openKeyEncryptionKey({ store, dataDirectory, source }: OpenOptions): Promise<KeyEncryptionKey> {
  if ((await store.meta.find(checkName)) === undefined) await seal(store, source, resolve(dataDirectory));
  return await unlock(store, source);
}

/**
 * As {@link openKeyEncryptionKey}, for a database that was sealed before: makes and writes nothing.
 * @throws KeyEncryptionKeyError; GatewayError 'unavailable' of the store
 */
export async function reopenKeyEncryptionKey({
  store,
  source,
}: {
  readonly store: Pick<Store, 'meta'>;
  readonly source: KekSource;
}): Promise<KeyEncryptionKey> {
  if ((await store.meta.find(checkName)) === undefined) {
    throw new KeyEncryptionKeyError('no gateway has started on this database yet: nothing is sealed in it');
  }
  return await unlock(store, source);
}

interface ChangeOptions {
  readonly store: Pick<Store, 'meta' | 'commit'>;
  readonly from: KekSource;
  /** A file that is not there is made. */
  readonly to: KekSource;
  readonly audit: readonly AuditRecord[];
}

/**
 * Has the database open with another key-encryption key, and no longer with the present one: one row in one commit. What
 * is sealed stays as it is, and so do gateways that run.
 * @throws KeyEncryptionKeyError; GatewayError 'invalid-state' when another change was first, 'unavailable' of the store
 */
export async function changeKeyEncryptionKey({ store, from, to, audit }: ChangeOptions): Promise<void> {
  const { meta } = store;
  const before = await meta.find(masterKeyName);
  const master = await openMasterKey(store, from);
  if (to.kind === 'file') await createKeyFile(to.file);
  const stretching = to.kind === 'passphrase' ? newStretching() : undefined;
  const value = wrapMasterKey(master, await readKek(to, stretching, true), stretching);
  const name = masterKeyName;
  const statement = before === undefined ? meta.insert({ name, value }) : meta.replace({ name, value, before });
  await store.commit({ statements: [statement], audit });
}

/** Tells a database that was sealed before, and its master key by that everything depends on it. */
const checkName = 'key-encryption-key-check';

/** At a first start: of two processes at once both go by what one of them has made. */
async function seal(store: OpenOptions['store'], source: KekSource, dataDirectory: string): Promise<void> {
  const ownFile = resolve(dataDirectory, 'key-encryption-key');
  if (source.kind === 'file' && resolve(source.file) === ownFile) await createKeyFile(ownFile);
  const stretching = source.kind === 'passphrase' ? newStretching() : undefined;
  const kek = await readKek(source, stretching, true);
  const master = createSecretKey(randomBytes(keyBytes));
  const { meta } = store;
  const statements = [
    meta.insert({ name: checkName, value: toHex(deriveOctets(master, 'check')) }),
    meta.insert({ name: masterKeyName, value: wrapMasterKey(master, kek, stretching) }),
  ];
  await store.commit({ statements, audit: [] }).catch(unlessThere);
}

async function unlock(store: Pick<Store, 'meta'>, source: KekSource): Promise<KeyEncryptionKey> {
  const master = await openMasterKey(store, source);
  return { derive: (purpose) => deriveKey(master, purpose) };
}

async function openMasterKey({ meta }: Pick<Store, 'meta'>, source: KekSource): Promise<KeyObject> {
  const row = await meta.find(masterKeyName);
  const wrapped = row === undefined ? undefined : parseWrapped(row);
  const kek = await readKek(source, wrapped?.stretching, false);
  // Before there were master keys the key-encryption key was what everything depends on.
  const master = wrapped === undefined ? kek : unwrapMasterKey(wrapped, kek, describeSource(source));
  const expected = Buffer.from((await meta.find(checkName)) ?? '', 'hex');
  if (expected.length === keyBytes && timingSafeEqual(expected, deriveOctets(master, 'check'))) return master;
  throw wrongKey(describeSource(source));
}

function unlessThere(error: unknown): void {
  if (!(error instanceof GatewayError && error.code === 'invalid-state')) throw error;
}
