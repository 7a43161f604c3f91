/** How the key stores of CAs stand: what `gatehouse key status` and the management API tell. */
import type { KeyRepository } from '../store/key-repository.js';
import type { CaKeys, KeyStoreState } from './ca-keys.js';
import { caKeyPurpose } from './key-purpose.js';

export interface KeyStoreReport extends KeyStoreState {
  readonly name: string;
  /** How many keys of CAs are on record as being there. */
  readonly keys: number;
}

interface Services {
  readonly caKeys: CaKeys;
  readonly store: { readonly keys: Pick<KeyRepository, 'findByStore'> };
}

/** Asks each of them. Never throws because of one that is away. */
export async function readKeyStoreStates({ caKeys, store }: Services): Promise<readonly KeyStoreReport[]> {
  return await Promise.all(
    caKeys.stores().map(async (each) => {
      const records = await store.keys.findByStore({ store: each.name });
      const keys = records.filter(({ purpose }) => purpose.startsWith(caKeyPurpose)).length;
      return { name: each.name, keys, ...(await each.state()) };
    }),
  );
}
