import { describe, expect, it } from '@jest/globals';
import { exportDocument } from '../../../src/declaration/export.js';
import type { Grant } from '../../../src/model/access.js';
import type { Store } from '../../../src/store/store.js';
import { caPem, devicePem } from '../catalog/certificates.js';
import { type ConfiguredStore, problemsOf, withConfiguredStore } from '../catalog/configured-store.js';
import { apiKeyRecord } from '../store/management-records.js';

const administrator = { role: 'solution-administrator' } as const;

interface WrittenUser {
  readonly displayName?: string;
  readonly grants?: readonly Grant[];
  readonly enabled?: boolean;
  readonly certificates?: readonly string[];
}

/** A document; JSON is YAML. */
function users(wanted: Readonly<Record<string, WrittenUser>>): string {
  const list = Object.entries(wanted).map(([name, { certificates, ...user }]) => ({
    name,
    grants: [{ role: 'auditor' }],
    ...user,
    ...(certificates ? { certificates: certificates.map((certificate) => ({ certificate })) } : {}),
  }));
  return JSON.stringify({ users: list });
}

async function stepsOf({ plan }: ConfiguredStore, text: string) {
  const { steps } = await plan(text);
  return steps.map(({ action, kind, name, differences }) => [
    `${action} ${kind} ${name}`,
    ...differences.map(({ path, from, to }) => `${path}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`),
  ]);
}

async function actionsIn(store: Store): Promise<string[]> {
  const events = await store.audit.list({ limit: 100 });
  return events.map(({ action }) => action).reverse();
}

describe('users of a document', () => {
  it('are made and changed in one change with the rest, with an event of each', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply } = configured;
      const ann = {
        displayName: 'Ann',
        grants: [{ role: 'approver', division: 'plant' }] as const,
        certificates: [devicePem],
      };
      const text = `divisions: [{ name: plant }]\nusers: ${JSON.stringify(JSON.parse(users({ ann, bob: {} })).users)}`;
      expect(await stepsOf(configured, text)).toEqual([
        ['create division plant'],
        ['create user ann'],
        ['create user bob'],
      ]);
      expect(await apply(text)).toBe(true);
      expect(await apply(text)).toBe(false);
      const record = await store.users.findByName({ name: 'ann' });
      expect(record).toMatchObject({ displayName: 'Ann', password: null, enabled: 1, isAdministrator: 0 });
      expect(await actionsIn(store)).toEqual([
        'catalog.applied',
        'user.created',
        'user.certificate-added',
        'user.created',
      ]);
      const [event] = await store.audit.list({ subject: record?.id ?? '', limit: 1 });
      expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ actor: 'test', user: 'ann', division: 'plant' });
      const change = users({ ann: { enabled: false, certificates: [caPem] } });
      expect(await stepsOf(configured, change)).toEqual([
        [
          'change user ann',
          'displayName: "Ann" -> undefined',
          'grants[0].role: "approver" -> "auditor"',
          'grants[0].division: "plant" -> undefined',
          'enabled: true -> false',
          expect.stringMatching(/^certificates\[0\]: "SHA-256 \w{64}" -> "SHA-256 \w{64}"$/),
        ],
      ]);
      await apply(change);
      expect((await actionsIn(store)).slice(4)).toEqual([
        'user.changed',
        'user.disabled',
        'user.certificate-removed',
        'user.certificate-added',
      ]);
      expect(await apply(change)).toBe(false);
    });
  });

  it('stay enabled or not, and keep their certificates and passwords, where a file does not say', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(users({ ann: { enabled: false, certificates: [devicePem] } }));
      const record = await store.users.findByName({ name: 'ann' });
      if (record === undefined) throw new Error('there is no user');
      const { updatedAt: seenAt } = record;
      await store.commit({ statements: [store.users.replace({ ...record, password: 'hash', seenAt })], audit: [] });
      await apply(users({ ann: { displayName: 'Ann' } }));
      expect(await store.users.findByName({ name: 'ann' })).toMatchObject({
        displayName: 'Ann',
        enabled: 0,
        password: 'hash',
      });
      expect(await store.users.certificatesOf({ userId: record.id })).toHaveLength(1);
    });
  });

  it('cannot leave nobody to administer: then nothing of the file is applied', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(users({ ann: { grants: [administrator], certificates: [devicePem] } }));
      const refusal = { code: 'invalid-state', message: expect.stringContaining('nobody would be left to administer') };
      const rest = '{ "divisions": [{ "name": "plant" }], ';
      for (const ann of [{ grants: [{ role: 'auditor' } as const] }, { grants: [administrator], enabled: false }]) {
        await expect(apply(users({ ann }).replace('{', rest))).rejects.toMatchObject(refusal);
      }
      await expect(apply(users({ ann: { grants: [administrator], certificates: [] } }))).rejects.toMatchObject(refusal);
      expect(await store.catalog.items()).toEqual([]);
      await apply(users({ ann: { certificates: [] }, bob: { grants: [administrator], certificates: [devicePem] } }));
      expect(await store.users.findByName({ name: 'ann' })).toMatchObject({ isAdministrator: 0 });
    });
  });

  it('are refused with file, line and column, all that is wrong at once', async () => {
    await withConfiguredStore(async ({ apply, plan }) => {
      await apply(users({ ann: { certificates: [devicePem] } }));
      const certificate = JSON.stringify(devicePem);
      const text = `users:
  - name: bob
    grants: [{ role: auditor, division: plnt }]
    certificates: [{ certificate: ${certificate} }, { certificate: nothing }]
  - { name: eve, grants: [{ role: auditor }], certificates: [{ certificate: ${certificate} }] }
`;
      expect(await problemsOf(() => plan(text))).toEqual([
        'fleet.yaml:3:41 users[0].grants[0].division: there is no division "plnt"',
        expect.stringMatching(/^fleet\.yaml:4:\d+ users\[0\]\.certificates\[1\]: one certificate in PEM is expected/),
        `fleet.yaml:4:20 users[0].certificates[0]: is user "ann"'s already; remove it there first`,
        expect.stringMatching(
          /^fleet\.yaml:5:\d+ users\[1\]\.certificates\[0\]: is in this file already, of user "bob"/,
        ),
      ]);
      expect(await problemsOf(() => plan('users: [{ name: bob, grants: [], password: x }]'))).toEqual([
        expect.stringContaining('users[0].grants'),
        expect.stringContaining('users[0].password: is not known here; allowed are name, displayName, grants'),
      ]);
      expect(
        await problemsOf(() =>
          plan('users: [{ name: b, grants: [{ role: auditor }] }, { name: b, grants: [{ role: auditor }] }]'),
        ),
      ).toEqual([expect.stringContaining('users[1].name: there are two of the name "b"')]);
    });
  });

  it('are exported with their certificates; API keys are named, and no secret is there', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(
        users({
          ann: { displayName: `Ann $${'{A}'}`.replace('$', '$$$$'), certificates: [devicePem] },
          bob: { enabled: false },
        }),
      );
      const keys = Array.from({ length: 22 }, (_, index) => apiKeyRecord(`key-${index + 10}`, [administrator]));
      await store.commit({
        statements: [...keys.map(store.apiKeys.insert), store.apiKeys.revoke({ id: 'key-10', at: 1 })],
        audit: [],
      });
      const text = await exportDocument(store);
      expect(text).toMatch(/^# {3}API keys: key-11, key-12, .* and 1 more$/m);
      expect(await apply(text)).toBe(false);
      await withConfiguredStore(async (there) => {
        await there.apply(text);
        expect(await exportDocument(there.store)).toBe(
          text.replace(/^.*API keys.*\n/m, '').replace(/^.*not in it:\n/m, ''),
        );
      });
    });
  });
});
