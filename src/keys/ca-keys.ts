/** The keys of CAs: each in the key store that its CA names, behind one contract. */
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import { softwareKeyStore } from '../model/key-store.js';
import type { Statement } from '../store/change.js';
import type { KeyRecord, KeyRepository } from '../store/key-repository.js';
import { type CaKeyReference, createLazySigner } from './lazy-signer.js';
import type { NewKey, Signer } from './signer.js';

export interface NewCaKey extends NewKey {
  /** Takes back what the store has made, because the commit did not happen. Never throws: what is left is an orphan. */
  discard(): Promise<void>;
}

/** A key that exists: in the clear, for the store in the database, or where the other stores have it. */
export type ExistingKey = { readonly pkcs8: Uint8Array } | { readonly reference: string };

/** What is to be done so that a key is gone: `after` once the statements are committed. */
export interface KeyRemoval {
  readonly statements: readonly Statement[];
  after(): Promise<void>;
}

export interface KeyStoreState {
  readonly reachable: boolean;
  /** One sentence for the operator: what it is, or why it cannot be used and what to do. */
  readonly detail: string;
  /** Keys on record that the store has not, by what they are for. */
  readonly missing: readonly string[];
  /** Keys in the store that this gateway made, or was about to make, and has not on record. */
  readonly orphans: readonly string[];
}

/** Where keys of CAs are: they are made there and sign there. */
export interface CaKeyStore {
  /** `software`, or as the settings' keyStores name it. */
  readonly name: string;
  /**
   * @param purpose what it is for, such as `ca:plant-root-1`
   * @throws GatewayError 'unavailable' where the store is away or takes no more keys, 'unsupported-algorithm' where it has
   * no such keys; nothing is left behind then
   */
  create(type: GeneratedKeyType, purpose: string): Promise<NewCaKey>;
  /** Takes over a key. @throws GatewayError as `create` does, 'not-found' and 'unacceptable-key' */
  adopt(key: ExistingKey, purpose: string): Promise<NewCaKey>;
  /** @throws GatewayError 'unavailable', 'internal' */
  signer(record: KeyRecord): Promise<Signer>;
  /** A key that was taken over is destroyed like those that were made. */
  removal(record: KeyRecord): KeyRemoval;
  /**
   * A key that is to be kept elsewhere, DER PKCS #8 that is not encrypted, for the caller to wipe.
   * @throws GatewayError 'unsupported-operation' for a store that keys never leave; 'internal'
   */
  takeOut(record: KeyRecord): Promise<Uint8Array>;
  /** Drops what is open of a key that is gone. */
  forget(keyId: string): void;
  /** Never throws. */
  state(): Promise<KeyStoreState>;
  close(): Promise<void>;
}

export interface CaKeys {
  /** The store in the database where no name is given. @throws GatewayError 'invalid-state' if the settings have none */
  store(name?: string): CaKeyStore;
  /** Never throws: what is wrong with the key is said when it is to sign. */
  lazySigner(key: CaKeyReference): Signer;
  /** Nothing is to be done for a key that is not on record. @throws GatewayError 'unavailable' if the settings have not its store */
  removal(keyId: string): Promise<KeyRemoval>;
  /** @throws GatewayError as that of the key's store, 'unavailable' if the settings have not that */
  takeOut(keyId: string): Promise<Uint8Array>;
  /** Drops what this process has open of a key that another one has removed. */
  forget(keyId: string): void;
  stores(): readonly CaKeyStore[];
  close(): Promise<void>;
}

interface CaKeysOptions {
  readonly keys: Pick<KeyRepository, 'find'>;
  readonly stores: readonly CaKeyStore[];
}

export function createCaKeys({ keys, stores }: CaKeysOptions): CaKeys {
  const byName = new Map(stores.map((store) => [store.name, store]));

  function store(name: string = softwareKeyStore): CaKeyStore {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw new GatewayError('invalid-state', `there is no key store "${name}": name it in keyStores of the settings`);
  }

  async function openSigner(keyId: string): Promise<Signer> {
    const record = await getRecord(keyId);
    return await storeOf(record).signer(record);
  }

  async function getRecord(keyId: string): Promise<KeyRecord> {
    const record = await keys.find({ id: keyId });
    if (record !== undefined) return record;
    throw new GatewayError('internal', 'a key of the gateway cannot be used', {
      cause: new Error(`there is no key ${keyId}`),
    });
  }

  function storeOf({ id, store: name }: KeyRecord): CaKeyStore {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw new GatewayError('unavailable', 'the key of the CA cannot be reached at the moment', {
      cause: new Error(`the key ${id} is in the key store "${name}", which keyStores of the settings does not name`),
      retryAfterSeconds: 30,
    });
  }

  return {
    store,
    lazySigner: (key) => createLazySigner(key, openSigner),
    removal: async (keyId) => {
      const record = await keys.find({ id: keyId });
      return record === undefined ? { statements: [], after: async () => {} } : storeOf(record).removal(record);
    },
    takeOut: async (keyId) => {
      const record = await getRecord(keyId);
      return await storeOf(record).takeOut(record);
    },
    forget: (keyId) => {
      for (const each of stores) each.forget(keyId);
    },
    stores: () => stores,
    close: async () => {
      await Promise.all(stores.map((each) => each.close()));
    },
  };
}

/**
 * Takes a new key back unless `commit` has kept it, which returns whether it has.
 * @param keptId id of the key that is in its place on record now
 */
export async function keepingKey(
  key: NewCaKey,
  commit: () => Promise<boolean>,
  keptId: () => Promise<string | undefined>,
): Promise<boolean> {
  let isKept = false;
  try {
    isKept = await commit();
  } finally {
    if (!isKept && !(await mayBeKept(key, keptId))) await key.discard();
  }
  return isKept;
}

/** What became of the commit may be unknown: a key is worth more than the room that an orphan takes. */
function mayBeKept({ signer }: NewCaKey, keptId: () => Promise<string | undefined>): Promise<boolean> {
  return keptId().then(
    (id) => id === signer.keyId,
    () => true,
  );
}
