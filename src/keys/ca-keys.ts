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

/** Where keys of CAs are: they are made there, sign there and never leave. */
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
  removal(record: KeyRecord): KeyRemoval;
  /** Never throws. */
  state(): Promise<KeyStoreState>;
  close(): Promise<void>;
}

export interface CaKeys {
  /** The store in the database where no name is given. @throws GatewayError 'invalid-state' if the settings have none */
  store(name?: string): CaKeyStore;
  /** Never throws: what is wrong with the key is said when it is to sign. */
  lazySigner(key: CaKeyReference): Signer;
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
    const record = await keys.find({ id: keyId });
    if (record !== undefined) return await storeOf(record).signer(record);
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
    stores: () => stores,
    close: async () => {
      await Promise.all(stores.map((each) => each.close()));
    },
  };
}
