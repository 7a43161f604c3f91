/** The key store of CAs that is always there: their keys sealed in the database. */
import { GatewayError } from '../errors.js';
import { softwareKeyStore } from '../model/key-store.js';
import type { KeyRepository } from '../store/key-repository.js';
import type { CaKeyStore, NewCaKey } from './ca-keys.js';
import type { NewKey } from './signer.js';
import type { SoftwareKeyStore } from './software-key-store.js';

interface SoftwareCaKeysOptions {
  readonly software: SoftwareKeyStore;
  readonly keys: Pick<KeyRepository, 'overwrite' | 'remove'>;
}

export function createSoftwareCaKeys({ software, keys }: SoftwareCaKeysOptions): CaKeyStore {
  return {
    name: softwareKeyStore,
    create: async (type, purpose) => discardable(await software.create(type, purpose)),
    async adopt(key, purpose) {
      if ('pkcs8' in key) return discardable(software.adopt(key.pkcs8, purpose));
      throw new GatewayError('unsupported-operation', 'a key for the database is given as PKCS #8, not by a reference');
    },
    signer: ({ id }) => software.signer(id),
    removal: ({ id, sealed }) => ({
      // Of the same length: only then it is written to the same place, and nothing of the key stays behind in the file.
      statements: [keys.overwrite({ id, sealed: new Uint8Array(sealed.length) }), keys.remove({ id })],
      after: async () => software.forget(id),
    }),
    takeOut: ({ id }) => software.takeOut(id),
    forget: (keyId) => software.forget(keyId),
    state: async () => ({ reachable: true, detail: 'keys are sealed in the database', missing: [], orphans: [] }),
    close: async () => {},
  };
}

/** It exists in this process's memory only until it is committed. */
function discardable(key: NewKey): NewCaKey {
  return { ...key, discard: async () => {} };
}
