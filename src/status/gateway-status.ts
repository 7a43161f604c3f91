/** What the gateway has and how it stands: what `gatehouse status` and the management API tell. */
import type { Catalog } from '../catalog/catalog.js';
import { createOverview } from '../store/overview.js';
import type { Store } from '../store/store.js';
import { readAuthorityStates } from './authority-states.js';

const thirtyDays = 30 * 86_400_000;

/** It counts all devices and certificates, which takes a while where there are many. */
export async function readGatewayStatus(store: Store, catalog: Catalog, at: Date) {
  const now = at.getTime();
  const overview = createOverview(store.database);
  const { expiring, ...certificates } = await overview.certificates({ now, expiringBefore: now + thirtyDays });
  const devices = await overview.devicesByState();
  return {
    catalogVersion: catalog.version,
    policies: [...catalog.policies.values()].map(({ policy }) => ({
      name: policy.name,
      issuingCa: policy.issuingCa,
      methods: policy.methods,
      isDefault: catalog.defaultPolicy?.policy.name === policy.name,
    })),
    certificateAuthorities: await readAuthorityStates(store, catalog, now),
    devices: Object.fromEntries(devices.map(({ state, count }) => [state, count])),
    certificates: { ...certificates, expiringIn30Days: expiring },
    pendingRequests: await overview.pendingRequests({ now }),
  };
}
