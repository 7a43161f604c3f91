/** What users and API keys are managed with, on a store of the test's own. */
import { createApiKey, type NewApiKey } from '../../../src/access/api-keys.js';
import { createAccess } from '../../../src/access/authenticate.js';
import { everything, type Manager } from '../../../src/access/grants.js';
import type { AccessServices } from '../../../src/access/services.js';
import { createLog } from '../../../src/log.js';
import { createMinuteCounter } from '../../../src/minute-counter.js';
import type { Grant } from '../../../src/model/access.js';
import { divisionSchema } from '../../../src/model/division.js';
import type { OwnedApiKeyRecord } from '../../../src/store/api-key-repository.js';
import { createTestClock, type TestClock } from '../../support/test-clock.js';
import { withStore } from '../store/temporary-store.js';

export type TestAccess = AccessServices &
  Parameters<typeof createAccess>[0] & {
    readonly clock: TestClock;
    readonly authenticate: ReturnType<typeof createAccess>['authenticate'];
  };

/** Divisions are `plant` and `lab`. */
export async function withAccess(work: (access: TestAccess) => Promise<void>, failuresPerMinute = 600): Promise<void> {
  await withStore(async (store) => {
    const clock = createTestClock(new Date('2026-11-01T12:00:00Z'));
    const document = (name: string) => ({ kind: 'division', name, document: JSON.stringify({ name }), updatedAt: 0 });
    await store.commit({ statements: ['plant', 'lab'].map((name) => store.catalog.put(document(name))), audit: [] });
    const divisions = new Map(['plant', 'lab'].map((name) => [name, divisionSchema.parse({ name })]));
    const services = {
      store,
      clock,
      catalog: () => ({ divisions }),
      log: createLog('silent'),
      failures: createMinuteCounter(clock),
      failuresPerMinute,
      authority: { generation: () => undefined, generations: () => [], reload: async () => {} },
    };
    await work({ ...services, authenticate: createAccess(services).authenticate });
  });
}

export function managerWith(...grants: readonly Grant[]): Manager {
  return {
    actor: { name: 'user tester', person: 'user:tester', remoteAddress: '192.0.2.1', requestId: 'r-1' },
    grants,
  };
}

/** May do everything. */
export const root = managerWith(...everything);

export const remoteAddress = '192.0.2.7';

export async function makeKey(
  access: TestAccess,
  wanted: Partial<NewApiKey> = {},
): Promise<{ readonly record: OwnedApiKeyRecord; readonly key: string }> {
  return await createApiKey({ name: 'platform', grants: everything, ...wanted }, root, access);
}
