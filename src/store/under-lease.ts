/** Work that recurs on every node, and is to be done by one of them at a time. */
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Store } from './store.js';

interface Lease {
  readonly name: string;
  /** The node that asks for it. */
  readonly holder: string;
  /** How long a node that died may keep the others from the work. */
  readonly milliseconds: number;
}

/**
 * Returns whether the work was done here: otherwise another node has the lease.
 * @throws what the work throws; GatewayError of the store
 */
export async function underLease(
  { name, holder, milliseconds }: Lease,
  { store, clock }: { readonly store: Pick<Store, 'commit' | 'leases'>; readonly clock: Clock },
  work: () => Promise<void>,
): Promise<boolean> {
  const now = clock.now().getTime();
  try {
    await store.commit({
      statements: [store.leases.take({ name, holder, until: now + milliseconds, now })],
      audit: [],
    });
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'invalid-state') return false;
    throw error;
  }
  try {
    await work();
    return true;
  } finally {
    await store.commit({ statements: [store.leases.release({ name, holder })], audit: [] });
  }
}
