/** Work that one node does for all. */
import { randomUUID } from 'node:crypto';
import { GatewayError } from '../errors.js';
import type { EnrollmentServices } from './services.js';

/** Leaves it out while another node does it. @param name of the work */
export async function underLease(
  name: string,
  { store, clock }: Pick<EnrollmentServices, 'store' | 'clock'>,
  work: () => Promise<void>,
): Promise<void> {
  const now = clock.now().getTime();
  const lease = { name, holder, until: now + leaseMilliseconds, now };
  try {
    await store.commit({ statements: [store.leases.take(lease)], audit: [] });
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'invalid-state') return;
    throw error;
  }
  try {
    await work();
  } finally {
    await store.commit({ statements: [store.leases.release(lease)], audit: [] });
  }
}

/** How long a node that died may keep the others from it. */
const leaseMilliseconds = 120_000;
const holder = randomUUID();
