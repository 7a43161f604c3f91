import { describe, expect, it } from '@jest/globals';
import type { Statement } from '../../../src/store/change.js';
import type { CrlRecord } from '../../../src/store/crl-record.js';
import type { Store } from '../../../src/store/store.js';
import { caGeneration, certificate, day, now, withStore } from './temporary-store.js';

const place = { issuerId: 'plant-1', partition: 0 };

async function tryOut(store: Store, ...statements: Statement[]): Promise<string> {
  return await store.commit({ statements, audit: [] }).then(
    () => 'done',
    (error) => error.code,
  );
}

function crl(number: number, revision: number): CrlRecord {
  return {
    ...place,
    ...{ number, revision, der: Uint8Array.of(number), etag: `"${number}"`, entries: 0, scope: null },
    ...{ thisUpdate: now, nextUpdate: now + day, baseNumber: 1, baseAt: now, baseRevision: 0, baseScope: null },
  };
}

async function withGeneration(work: (store: Store) => Promise<void>): Promise<void> {
  await withStore(async (store) => {
    await store.commit({ statements: [store.caGenerations.insert(caGeneration())], audit: [] });
    await work(store);
  });
}

describe('CRLs', () => {
  it('and deltas take their numbers from one sequence, each once (RFC 5280 5.2.3)', async () => {
    await withGeneration(async (store) => {
      const { takeNumber, state } = store.crls;
      expect(await state(place)).toEqual({ revision: 0, number: 0 });
      expect(await tryOut(store, takeNumber({ ...place, before: 0 }))).toBe('done');
      expect(await tryOut(store, takeNumber({ ...place, before: 0 }))).toBe('unavailable');
      expect(await tryOut(store, takeNumber({ ...place, before: 1 }))).toBe('done');
      expect(await state(place)).toEqual({ revision: 0, number: 2 });
      expect(await state({ ...place, partition: 1 })).toEqual({ revision: 0, number: 0 });
    });
  });

  it('are due since the first change that they do not have', async () => {
    await withGeneration(async (store) => {
      const { markChanged, state, changed, settle } = store.crls;
      expect(await changed({})).toEqual([]);
      expect(await tryOut(store, markChanged({ ...place, at: now }), markChanged({ ...place, at: now + 5 }))).toBe(
        'done',
      );
      expect(await changed({})).toEqual([{ ...place, changedAt: now }]);
      expect((await state(place)).revision).toBe(2);
      expect(await tryOut(store, settle({ ...place, revision: 1 }))).toBe('done');
      expect(await changed({})).toHaveLength(1);
      expect(await tryOut(store, settle({ ...place, revision: 2 }))).toBe('done');
      expect(await changed({})).toEqual([]);
      expect(await tryOut(store, markChanged({ ...place, at: now + 9 }))).toBe('done');
      expect(await changed({})).toEqual([{ ...place, changedAt: now + 9 }]);
    });
  });

  it('are described without being read', async () => {
    await withGeneration(async (store) => {
      expect(await tryOut(store, store.crls.put(crl(5, 3)))).toBe('done');
      expect(await tryOut(store, store.crls.put(crl(6, 4)))).toBe('done');
      const { der, ...header } = crl(6, 4);
      expect(await store.crls.findHeader(place)).toEqual(header);
      expect(await store.crls.headers({})).toEqual([header]);
      expect((await store.crls.find(place))?.der).toEqual(der);
    });
  });
});

describe('revocations', () => {
  it('follow the record of their certificate, in the order of the changes', async () => {
    await withGeneration(async (store) => {
      const { certificates, crls, revocations } = store;
      const id = 'plant-1:0a';
      const marked = (at: number) => [crls.markChanged({ ...place, at }), revocations.follow({ id, at })];
      await store.commit({
        statements: [certificates.insert(certificate('0a'))],
        audit: [],
      });
      const found = () => revocations.find({ issuerId: 'plant-1', serialNumber: '0a' });
      expect(await tryOut(store, certificates.hold({ id, at: now }), ...marked(now))).toBe('done');
      const row = { ...place, serialNumber: '0a', invalidityDate: null, notAfter: now + 90 * day };
      expect(await found()).toEqual({ ...row, revokedAt: now, reason: 6, change: 1, removed: 0 });
      expect(await tryOut(store, certificates.release({ id }), ...marked(now + 1))).toBe('done');
      expect(await found()).toEqual({ ...row, revokedAt: now + 1, reason: 0, change: 2, removed: 1 });
      const revocation = { id, revokedAt: now + 2, revocationReason: 1, invalidityDate: now - day };
      expect(await tryOut(store, certificates.revoke(revocation), ...marked(now + 2))).toBe('done');
      const revoked = { ...row, revokedAt: now + 2, reason: 1, invalidityDate: now - day, change: 3, removed: 0 };
      expect(await found()).toEqual(revoked);
      const limits = { ...place, upTo: 10, limit: 10 };
      expect(await revocations.changes({ ...limits, after: 2 })).toEqual([revoked]);
      expect(await revocations.changes({ ...limits, after: 3 })).toEqual([]);
      // Refused as a whole, so that no row says what the certificate's record does not.
      expect(await tryOut(store, certificates.revoke(revocation), ...marked(now + 3))).toBe('already-revoked');
      expect(await found()).toEqual(revoked);
    });
  });

  it('are forgotten when a regular CRL has had them after the end of their certificate, or of their hold', async () => {
    await withGeneration(async (store) => {
      const { crls, revocations } = store;
      const add = (serialNumber: string, notAfter: number, removed = 0) => [
        crls.markChanged({ ...place, at: now }),
        revocations.record({
          ...place,
          serialNumber,
          revokedAt: now,
          reason: 4,
          invalidityDate: null,
          notAfter,
          removed,
        }),
      ];
      const statements = [add('0a', now - 1), add('0b', now + 1), add('0c', now + 1, 1), add('0d', now - 1)].flat();
      await store.commit({ statements, audit: [] });
      const spent = revocations.removeSpent({ ...place, change: 3, before: now, limit: 10 });
      expect(await tryOut(store, spent)).toBe('done');
      const left = await revocations.changes({ ...place, after: 0, upTo: 10, limit: 10 });
      expect(left.map(({ serialNumber }) => serialNumber)).toEqual(['0b', '0d']);
    });
  });
});
