import { describe, expect, it } from '@jest/globals';
import { createOverview } from '../../../src/store/overview.js';
import { caGeneration, certificate, day, device, enrollmentTransaction, now, withStore } from './temporary-store.js';

const states = ['registered', 'operational', 'retired'] as const;
/** More than are counted at once, and a part that ends where nothing follows. */
const sizes = [0, 4000, 4501];

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('how much there is', () => {
  it.each(sizes)('is counted part by part: each of %i devices once, by state', async (count) => {
    await withStore(async (store) => {
      const insert = (i: number) => store.devices.insert(device(`device-${i}`, { state: states[i % 3] ?? 'retired' }));
      await store.commit({ statements: numbers(count).map(insert), audit: [] });
      const found = await createOverview(store.database).devicesByState();
      const expected = [
        { state: 'operational', count: Math.floor((count + 1) / 3) },
        { state: 'registered', count: Math.ceil(count / 3) },
        { state: 'retired', count: Math.floor(count / 3) },
      ];
      expect(found).toEqual(expected.filter((each) => each.count > 0));
    });
  });

  it.each(sizes)('is counted part by part: each of %i certificates once, also of the same moment', async (count) => {
    await withStore(async (store) => {
      const insert = (i: number) =>
        store.certificates.insert(
          certificate(`${i}`, {
            issuedAt: now + Math.floor(i / 3000),
            status: (['valid', 'valid', 'held', 'revoked', 'valid'] as const)[i % 5] ?? 'valid',
            notAfter: now + (i % 5 === 1 ? 10 : 90) * day,
            usage: i % 5 === 4 ? 'service' : 'operational',
          }),
        );
      const statements = [store.caGenerations.insert(caGeneration()), ...numbers(count).map(insert)];
      await store.commit({ statements, audit: [] });
      const of = (remainder: number) => numbers(count).filter((i) => i % 5 === remainder).length;
      const overview = createOverview(store.database);
      expect(await overview.certificates({ now, expiringBefore: now + 30 * day })).toEqual({
        valid: of(0) + of(1),
        expiring: of(1),
        held: of(2),
        revoked: of(3),
        total: count - of(4),
      });
      expect(await overview.certificates({ now: now + 20 * day, expiringBefore: now + 30 * day })).toMatchObject({
        valid: of(0),
        expiring: 0,
      });
    });
  });

  it('has the requests that wait for an approval, without those that are over', async () => {
    await withStore(async (store) => {
      const transactions = [
        enrollmentTransaction('waits'),
        enrollmentTransaction('late', { expiresAt: now }),
        enrollmentTransaction('rejected', { state: 'rejected' }),
        enrollmentTransaction('issued', { state: 'issued' }),
      ];
      const statements = transactions.map((each) =>
        store.enrollmentTransactions.insert({ ...each, expiredBy: now - day }),
      );
      await store.commit({ statements, audit: [] });
      expect(await createOverview(store.database).pendingRequests({ now })).toBe(1);
    });
  });
});
