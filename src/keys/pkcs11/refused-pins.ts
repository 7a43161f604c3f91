/** Remembers refused PINs, as keyed hashes, so that restarts do not lock a token by trying them again. */
import type { Store } from '../../store/store.js';
import type { Pkcs11AccessOptions } from './pkcs11-key-store.js';

export function createRefusedPins(store: Pick<Store, 'meta' | 'commit'>): Pkcs11AccessOptions['refusedPins'] {
  return {
    find: (name) => store.meta.find(rowOf(name)),
    put: async (name, value) => {
      // Where only looking is permitted, the process that is being run remembers it by itself.
      await store.commit({ statements: [store.meta.put({ name: rowOf(name), value })], audit: [] }).catch(() => {});
    },
  };
}

/** The next use tries the PIN, whatever the token said of it before. */
export async function forgetRefusedPin(store: Pick<Store, 'meta' | 'commit'>, name: string): Promise<void> {
  await store.commit({ statements: [store.meta.put({ name: rowOf(name), value: '' })], audit: [] });
}

function rowOf(name: string): string {
  return `refused-pin:${name}`;
}
