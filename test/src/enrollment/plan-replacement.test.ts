import { describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { planReplacement } from '../../../src/enrollment/plan-replacement.js';
import type { ReplacementSelection } from '../../../src/store/certificate-replacement.js';
import type { Store } from '../../../src/store/store.js';
import { operator } from '../../support/operator.js';
import { caGeneration, certificate, day, now, withStore } from '../store/temporary-store.js';

const clock = { now: () => new Date(now) };
const by = new Date(now + 3 * day);

function plan(store: Store, selection: ReplacementSelection, until: Date | null = by): Promise<number> {
  const when = until === null ? {} : { by: until };
  return planReplacement({ selection, actor: operator('test'), ...when }, { store, clock });
}

async function fill(store: Store, certificates: readonly ReturnType<typeof certificate>[]): Promise<void> {
  const generations = ['plant-1', 'plant-2'].map((id, index) =>
    caGeneration({ id, number: index + 1, state: index === 0 ? 'previous' : 'current' }),
  );
  await store.commit({
    statements: [
      ...generations.map((each) => store.caGenerations.insert(each)),
      ...certificates.map((each) => store.certificates.insert(each)),
    ],
    audit: [],
  });
}

async function marked(store: Store): Promise<string[]> {
  const all = await store.certificates.list({ limit: 10_000 });
  const records = await Promise.all(all.map(({ id }) => store.certificates.findWithReplacement({ id })));
  return records.flatMap((each) => (each?.replaceBy === by.getTime() ? [each.serialNumber] : [])).sort();
}

describe('a planned replacement', () => {
  const various = [
    certificate('01'),
    certificate('02', { policy: 'pumps' }),
    certificate('03', { profile: 'server', issuedAt: now - day }),
    certificate('04', { issuerId: 'plant-2' }),
    certificate('05', { policy: 'pumps', issuedAt: now - day }),
  ];
  it.each<[string, ReplacementSelection, string[]]>([
    ['one certificate', { id: 'plant-1:03' }, ['03']],
    ['a policy', { policy: 'pumps' }, ['02', '05']],
    ['a profile', { profile: 'server' }, ['03']],
    ['a CA generation', { issuerId: 'plant-2' }, ['04']],
    ['what was issued before', { issuedBefore: now }, ['03', '05']],
    ['what fits all conditions', { policy: 'pumps', issuedBefore: now }, ['05']],
    ['nothing', { policy: 'nowhere' }, []],
  ])('marks %s', async (_what, selection, expected) => {
    await withStore(async (store) => {
      await fill(store, various);
      expect(await plan(store, selection)).toBe(expected.length);
      expect(await marked(store)).toEqual(expected);
    });
  });

  it('passes over what is revoked, held or expired, and what the gateway and its CAs have', async () => {
    await withStore(async (store) => {
      await fill(store, [
        certificate('01', { status: 'revoked', revokedAt: now, revocationReason: 4 }),
        certificate('02', { status: 'held', revokedAt: now, revocationReason: 6 }),
        certificate('03', { notAfter: now - 1 }),
        certificate('04', { usage: 'service' }),
        certificate('05', { policy: '' }),
        certificate('06'),
      ]);
      expect(await plan(store, { issuerId: 'plant-1' })).toBe(1);
      expect(await marked(store)).toEqual(['06']);
    });
  });

  it('is made in parts, each with its audit event, and taken back for those that have it', async () => {
    await withStore(async (store) => {
      const serials = Array.from({ length: 2500 }, (_, index) => index.toString(16).padStart(4, '0'));
      await fill(
        store,
        serials.map((serial) => certificate(serial)),
      );
      expect(await plan(store, { policy: 'sensors' })).toBe(2500);
      expect(await marked(store)).toEqual(serials);
      const events = await store.audit.list({ action: 'certificate.replacement-planned', limit: 10 });
      expect(events.map(({ content }) => JSON.parse(content))).toMatchObject(
        [500, 1000, 1000].map((count) => ({
          count,
          by: by.toISOString(),
          selection: { policy: 'sensors' },
          actor: 'test',
        })),
      );
      expect(await plan(store, { id: 'plant-1:0000' }, null)).toBe(1);
      expect(await plan(store, { policy: 'sensors' }, null)).toBe(2499);
      expect(await marked(store)).toEqual([]);
      const cancelled = await store.audit.list({ action: 'certificate.replacement-cancelled', limit: 10 });
      expect(cancelled.map(({ content }) => JSON.parse(content).count)).toEqual([499, 1000, 1000, 1]);
    });
  });

  it.each<ReplacementSelection>([{ policy: 'sensors' }, { issuerId: 'plant-1' }, { issuedBefore: now }])(
    'goes along the ids, once: %j',
    async (selection) => {
      await withStore(async (store, file) => {
        const batch = { selection, at: now, after: 'plant-1:00', last: 'plant-1:ff', count: 1 };
        const plan = { replaceBy: now, replacementPlannedAt: now, explanationUrl: null };
        const { sql, parameters } = store.certificates.setReplacement(batch, plan);
        const connection = new SqliteDatabase(file, { readonly: true });
        const steps = connection.prepare<unknown[], { detail: string }>(`explain query plan ${sql}`).all(...parameters);
        connection.close();
        expect(steps.map(({ detail }) => detail)).toEqual([
          'SEARCH certificate USING INDEX sqlite_autoindex_certificate_1 (id>? AND id<?)',
        ]);
      });
    },
  );

  it('counts right while certificates are revoked at the same time', async () => {
    await withStore(async (store) => {
      await fill(
        store,
        ['01', '02', '03'].map((serial) => certificate(serial)),
      );
      const revoked = { id: 'plant-1:02', revokedAt: now, revocationReason: 4, invalidityDate: null };
      const { idsToReplace } = store.certificates;
      let isFirst = true;
      const overtaken: Store = {
        ...store,
        certificates: {
          ...store.certificates,
          idsToReplace: async (batch) => {
            const ids = await idsToReplace(batch);
            if (isFirst) await store.commit({ statements: [store.certificates.revoke(revoked)], audit: [] });
            isFirst = false;
            return ids;
          },
        },
      };
      expect(await plan(overtaken, { policy: 'sensors' })).toBe(2);
      expect(await marked(store)).toEqual(['01', '03']);
    });
  });
});
