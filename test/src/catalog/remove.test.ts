import { describe, expect, it } from '@jest/globals';
import type { CatalogKind } from '../../../src/catalog/objects.js';
import { applyRemoval, planRemoval } from '../../../src/catalog/remove.js';
import type { NewCertificateRecord } from '../../../src/store/certificate-record.js';
import type { Statement } from '../../../src/store/change.js';
import { testActor } from '../../support/operator.js';
import { apiKeyRecord, jobRecord, userRecord } from '../store/management-records.js';
import { caGeneration, certificate, device, enrollmentTransaction } from '../store/temporary-store.js';
import { type ConfiguredStore, clock, smallFleet, withConfiguredStore } from './configured-store.js';

async function remove({ store }: ConfiguredStore, kind: CatalogKind, name: string): Promise<void> {
  await applyRemoval(await planRemoval(kind, name, { store, clock }), { store, clock, actor: testActor });
}

function commit({ store }: ConfiguredStore, ...statements: Statement[]): Promise<void> {
  return store.commit({ statements, audit: [] });
}

/** A certificate of the policy and profile of the small fleet. */
async function insertCertificate(configured: ConfiguredStore, changes: Partial<NewCertificateRecord> = {}) {
  const { caGenerations, certificates } = configured.store;
  const own = { policy: 'pumps', profile: 'pump', issuerId: 'devices-1', ...changes };
  await commit(
    configured,
    caGenerations.insert(caGeneration({ id: 'devices-1', ca: 'devices' })),
    certificates.insert(certificate('01', own)),
  );
}

/** Lets the group go without the policy, so that the policy can be removed. */
const withoutPolicy = 'deviceGroups: [{ name: pumps, division: plant }]';

describe('removing', () => {
  it('takes what nothing refers to, in one change with one audit event', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply } = configured;
      await apply('divisions: [{ name: office, description: Desks }]');
      await remove(configured, 'division', 'office');
      expect(await store.catalog.items()).toEqual([]);
      expect(await store.catalog.version()).toBe(2);
      const [event] = await store.audit.list({ limit: 1 });
      expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
        action: 'catalog.removed',
        actor: 'test',
        kind: 'division',
        name: 'office',
        division: 'office',
        written: { name: 'office', description: 'Desks' },
      });
    });
  });

  it.each<[CatalogKind, string, RegExp]>([
    [
      'division',
      'plant',
      /^division plant is referred to by device group pumps, authentication policy pumps, policy pumps; change/,
    ],
    ['device-group', 'pumps', /by policy pumps;/],
    ['policy', 'pumps', /by device group pumps;/],
    ['profile', 'pump', /by policy pumps;/],
    ['authentication-policy', 'pumps', /by policy pumps;/],
    ['certificate-authority', 'root', /by certificate authority devices;/],
    ['certificate-authority', 'devices', /by policy pumps;/],
    ['template', 'tls-server', /built in and stays/],
  ])('keeps what is in use: %s %s', async (kind, name, expected) => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await expect(remove(configured, kind, name)).rejects.toMatchObject({
        code: 'invalid-state',
        message: expect.stringMatching(expected),
      });
    });
  });

  it('does not find what is not there', async () => {
    await withConfiguredStore(async (configured) => {
      await expect(remove(configured, 'policy', 'pumps')).rejects.toMatchObject({ code: 'not-found' });
    });
  });

  it('works down a whole configuration, with credentials', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply } = configured;
      await apply(smallFleet);
      await apply(withoutPolicy);
      for (const [kind, name] of [
        ['policy', 'pumps'],
        ['device-group', 'pumps'],
        ['authentication-policy', 'pumps'],
        ['profile', 'pump'],
        ['certificate-authority', 'devices'],
        ['certificate-authority', 'root'],
        ['division', 'plant'],
      ] as const) {
        await remove(configured, kind, name);
      }
      expect(await store.catalog.items()).toEqual([]);
      expect(await store.credentials.listByPolicy({ authenticationPolicy: 'pumps' })).toEqual([]);
    });
  });

  it('keeps groups and divisions that devices are in', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply('divisions: [{ name: plant }]\ndeviceGroups: [{ name: old, division: plant }]');
      const group = await planRemoval('device-group', 'old', { store: configured.store, clock });
      await commit(configured, configured.store.devices.insert(device('d1', { groupName: 'old' })));
      await expect(remove(configured, 'device-group', 'old')).rejects.toMatchObject({
        message: 'devices are in device group old, such as d1; move them to another one first',
      });
      const late = applyRemoval(group, { store: configured.store, clock, actor: testActor });
      await expect(late).rejects.toMatchObject({ code: 'invalid-state' });
      expect(await configured.store.catalog.find({ kind: 'device-group', name: 'old' })).toBeDefined();
    });
    await withConfiguredStore(async (configured) => {
      await configured.apply('divisions: [{ name: plant }]');
      await commit(configured, configured.store.devices.insert(device('d1')));
      await expect(remove(configured, 'division', 'plant')).rejects.toMatchObject({ code: 'invalid-state' });
    });
  });

  it('keeps divisions that users, API keys or jobs are of, also such that come while it removes', async () => {
    await withConfiguredStore(async (configured) => {
      const { apply, store } = configured;
      const dependencies = { store, clock, actor: testActor };
      await apply('divisions: [{ name: plant }, { name: Plant }, { name: plant2 }]');
      const plan = () => planRemoval('division', 'plant', dependencies);
      const user = userRecord('ann', [{ role: 'auditor', division: 'plant' }]);
      const key = apiKeyRecord('bot', [{ role: 'approver' }, { role: 'auditor', division: 'plant' }]);
      const job = jobRecord('j1', 'plant');
      const uses: [Statement, Statement, string][] = [
        [
          store.users.insert(user),
          store.users.remove({ id: 'ann', seenAt: 0 }),
          'user ann has a role in division plant',
        ],
        [
          store.apiKeys.insert(key),
          store.apiKeys.revoke({ id: 'bot', at: 1 }),
          'API key bot has a role in division plant',
        ],
        [store.jobs.insert(job), store.jobs.markDeleted({ id: 'j1', at: 1 }), 'jobs are in division plant, such as j1'],
      ];
      for (const [use, disuse, sentence] of uses) {
        const early = await plan();
        await commit(configured, use);
        await expect(plan()).rejects.toMatchObject({
          code: 'invalid-state',
          message: expect.stringContaining(sentence),
        });
        await expect(applyRemoval(early, dependencies)).rejects.toMatchObject({ code: 'invalid-state' });
        await remove(configured, 'division', 'Plant');
        await apply('divisions: [{ name: Plant }]');
        await commit(configured, disuse);
      }
      await remove(configured, 'division', 'plant');
    });
  });

  it.each([
    ['valid', {}],
    ['on hold', { status: 'held', revokedAt: 1, revocationReason: 6 }],
  ] as const)('keeps a policy, and its profile, with a certificate that is %s', async (_what, changes) => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await configured.apply(withoutPolicy);
      await insertCertificate(configured, changes);
      await expect(remove(configured, 'policy', 'pumps')).rejects.toMatchObject({
        message:
          'policy pumps has certificates that are in use, such as 01; disable it (enabled: false) until they have ended',
      });
      await configured.apply(
        'profiles: [{ name: other, template: basic-device, validity: 1d, subject: [{ attribute: commonName, source: request, required: true }] }]\n' +
          smallFleet
            .slice(smallFleet.indexOf('policies:\n  - name: pumps\n    division'))
            .replace('profile: pump', 'profile: other'),
      );
      await expect(remove(configured, 'profile', 'pump')).rejects.toMatchObject({
        message: 'profile pump has certificates that are in use, such as 01; it can be removed when they have ended',
      });
    });
  });

  it.each([
    ['has expired', { notAfter: 1 }],
    ['is revoked', { status: 'revoked', revokedAt: 1, revocationReason: 0 }],
    ['is of another policy', { policy: 'valves', profile: 'valve' }],
  ] as const)('lets a policy go, and its profile, whose certificate %s', async (_what, changes) => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await configured.apply(withoutPolicy);
      await insertCertificate(configured, changes);
      await remove(configured, 'policy', 'pumps');
      await remove(configured, 'profile', 'pump');
    });
  });

  it('looks at all certificates for those of a profile, a few at a time', async () => {
    await withConfiguredStore(async (configured) => {
      const { certificates } = configured.store;
      await configured.apply(
        'profiles: [{ name: pump, template: basic-device, validity: 1d, subject: [{ attribute: commonName, source: request, required: true }] }]',
      );
      await insertCertificate(configured, { profile: 'valve' });
      const serials = Array.from({ length: 4500 }, (_, index) => `a${index}`);
      const own = { issuerId: 'devices-1', profile: 'valve' };
      await commit(configured, ...serials.map((serial) => certificates.insert(certificate(serial, own))));
      const last = certificates.insert(certificate('ff', { ...own, profile: 'pump' }));
      await commit(configured, last);
      await expect(remove(configured, 'profile', 'pump')).rejects.toMatchObject({ code: 'invalid-state' });
      await commit(
        configured,
        certificates.revoke({ id: 'devices-1:ff', revokedAt: 1, revocationReason: 0, invalidityDate: null }),
      );
      await remove(configured, 'profile', 'pump');
    });
  });

  it.each(['pending', 'approved'] as const)('keeps a policy with a request that is %s', async (state) => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await configured.apply(withoutPolicy);
      const { enrollmentTransactions } = configured.store;
      const record = enrollmentTransaction('t1', { policy: 'pumps', state });
      await commit(configured, enrollmentTransactions.insert({ ...record, expiredBy: 0 }));
      await expect(remove(configured, 'policy', 'pumps')).rejects.toMatchObject({
        message: expect.stringContaining('requests wait under policy pumps, such as request-t1'),
      });
    });
  });

  it('keeps a CA that has a certificate', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply('certificateAuthorities: [{ name: devices, subject: CN=D, key: ed25519, validity: 1y }]');
      await insertCertificate(configured);
      await expect(remove(configured, 'certificate-authority', 'devices')).rejects.toMatchObject({
        message: expect.stringMatching(/has issued, and cannot be removed; disable the policies/),
      });
    });
  });

  it('refuses a plan that was made before another change', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply } = configured;
      await apply('divisions: [{ name: plant }]');
      const plan = await planRemoval('division', 'plant', { store, clock });
      await apply('deviceGroups: [{ name: pumps, division: plant }]');
      const removal = applyRemoval(plan, { store, clock, actor: testActor });
      await expect(removal).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
});
