import { describe, expect, it } from '@jest/globals';
import { applyDocument } from '../../../src/declaration/apply.js';
import { planAdditions } from '../../../src/declaration/plan.js';
import { testActor } from '../../support/operator.js';
import { type ConfiguredStore, parse, problemsOf, smallFleet, withConfiguredStore } from './configured-store.js';

const outline = async ({ plan }: ConfiguredStore, text: string) =>
  (await plan(text)).steps.map(({ action, kind, name }) => `${action} ${kind} ${name}`);

describe('applying a configuration', () => {
  it('creates what is new, in one change with one audit event', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply } = configured;
      expect(await outline(configured, smallFleet)).toEqual([
        'create division plant',
        'create device-group pumps',
        'create profile pump',
        'create authentication-policy pumps',
        'create certificate-authority root',
        'create certificate-authority devices',
        'create policy pumps',
        'create credential pumps/installer',
        'create credential pumps/cmp',
      ]);
      expect(await apply(smallFleet)).toBe(true);
      expect(await store.catalog.version()).toBe(1);
      const [event, ...others] = await store.audit.list({ limit: 10 });
      expect(others).toEqual([]);
      expect(event).toMatchObject({ action: 'catalog.applied', outcome: 'success' });
      expect(JSON.parse(event?.content ?? '')).toMatchObject({ actor: 'test', version: 1, changes: { length: 9 } });
    });
  });

  it('does nothing the second time', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply, plan } = configured;
      await apply(smallFleet);
      expect((await plan(smallFleet)).steps.every(({ action }) => action === 'unchanged')).toBe(true);
      expect(await apply(smallFleet)).toBe(false);
      expect(await store.catalog.version()).toBe(1);
      expect(await store.audit.list({ limit: 10 })).toHaveLength(1);
    });
  });

  it('does nothing about another spelling of the same, such as a default that is written out', async () => {
    await withConfiguredStore(async ({ apply }) => {
      await apply(smallFleet);
      expect(await apply(smallFleet.replace('methods: [est]', 'methods: ["est"]\n    approval: automatic'))).toBe(
        false,
      );
      expect(await apply(smallFleet.replace('validity: 90d', 'validity: 2160h'))).toBe(false);
    });
  });

  it('changes what differs, says what, and leaves what the file does not name', async () => {
    await withConfiguredStore(async ({ store, apply, plan }) => {
      await apply(smallFleet);
      const group = 'deviceGroups:\n  - { name: pumps, division: plant, policies: [], enabled: false }\n';
      const { steps } = await plan(group);
      expect(steps).toMatchObject([
        {
          action: 'change',
          kind: 'device-group',
          name: 'pumps',
          differences: [
            { path: 'policies[0]', from: 'pumps', to: undefined },
            { path: 'enabled', from: undefined, to: false },
          ],
        },
      ]);
      await apply(group);
      const items = await store.catalog.items();
      expect(items).toHaveLength(7);
      expect(items.find(({ kind }) => kind === 'device-group')?.document).toBe(
        '{"name":"pumps","division":"plant","policies":[],"enabled":false}',
      );
    });
  });

  it('says when a change of a CA shows only in its next certificate', async () => {
    await withConfiguredStore(async ({ apply, plan }) => {
      await apply(smallFleet);
      const { steps } = await plan(smallFleet.replace('CN=Devices', 'CN=Sensors'));
      expect(steps.find(({ action }) => action === 'change')).toMatchObject({
        name: 'devices',
        note: expect.stringContaining('next one'),
      });
    });
  });

  it('refuses a plan that was made before another change', async () => {
    await withConfiguredStore(async ({ plan, apply, ...dependencies }) => {
      const stale = await plan(smallFleet);
      await apply('divisions: [{ name: office }]');
      const applied = applyDocument(stale, { ...dependencies, actor: testActor });
      await expect(applied).rejects.toMatchObject({ code: 'unavailable' });
      expect(await dependencies.store.catalog.items()).toHaveLength(1);
    });
  });

  it('can be kept to what is new, whatever the operator has made of the rest', async () => {
    await withConfiguredStore(async ({ plan, apply, ...dependencies }) => {
      const withDefault = smallFleet.replace('methods: [est]', 'methods: [est]\n    default: true');
      await apply(smallFleet);
      await apply(`divisions: [{ name: plant, description: mine }]
policies: [{ name: mine, default: true, division: plant, authenticationPolicy: pumps, profiles: [{ usage: operational, profile: pump }], issuingCa: devices, methods: [est], defaultGroup: pumps }]
`);
      expect(await problemsOf(() => plan(withDefault))).toHaveLength(1);
      const more = withDefault.replace('- name: plant', '- name: plant\n  - name: office');
      const additions = await planAdditions(parse(more), dependencies);
      expect(additions.steps.map(({ action, name }) => `${action} ${name}`)).toEqual(['create office']);
    });
  });
});

describe('what a newer version adds', () => {
  it('may be a credential of an authentication policy that is there, which stays as it is', async () => {
    await withConfiguredStore(async ({ apply, ...dependencies }) => {
      await apply(
        smallFleet.replace(
          'name: pumps\n    division: plant\n    cred',
          'name: pumps\n    description: mine\n    division: plant\n    cred',
        ),
      );
      const key = Buffer.alloc(32).toString('base64url');
      const line = `      - { kind: acme-account-key, name: gate, keyId: gate-1, hmacKey: ${key} }\n`;
      const more = smallFleet.replace('policies:\n  - name: pumps', `${line}policies:\n  - name: pumps`);
      const additions = await planAdditions(parse(more), dependencies);
      expect(additions.steps.map(({ action, name }) => `${action} ${name}`)).toEqual(['create pumps/gate']);
      await applyDocument(additions, { ...dependencies, actor: testActor });
      expect((await planAdditions(parse(more), dependencies)).steps).toEqual([]);
    });
  });
});

describe('credentials', () => {
  it('are kept without their secrets: a passcode as keyed hash, others sealed', async () => {
    await withConfiguredStore(async ({ store, apply, passcodeLookup, sealing }) => {
      await apply(smallFleet);
      const [cmp, installer] = await store.credentials.listByPolicy({ authenticationPolicy: 'pumps' });
      expect(installer).toMatchObject({ kind: 'passcode', username: 'bob', sealed: null, source: 'catalog', uses: 0 });
      expect(installer?.lookup).toBe(passcodeLookup('pumps', 'correct-horse'));
      expect(cmp).toMatchObject({ kind: 'cmp-secret', lookup: Buffer.from('pump-1').toString('hex') });
      const opened = sealing.open(`credential:${cmp?.id}`, cmp?.sealed ?? new Uint8Array());
      expect(Buffer.from(opened).toString()).toBe('battery-staple');
    });
  });

  it.each([
    ['base64url', { form: 'base64url', end: '' }],
    ['base64url with padding', { form: 'base64url', end: '=' }],
    ['base64', { form: 'base64', end: '' }],
  ] as const)('of ACME accounts are the same key in %s', async (_what, { form, end }) => {
    const key = Buffer.alloc(32, 0xfb);
    const line = `      - { kind: acme-account-key, name: gate, keyId: gate-1, hmacKey: "${key.toString(form)}${end}" }\n`;
    await withConfiguredStore(async ({ store, apply, sealing }) => {
      await apply(smallFleet.replace('policies:\n  - name: pumps', `${line}policies:\n  - name: pumps`));
      const [gate] = (await store.credentials.listByPolicy({ authenticationPolicy: 'pumps' })).filter(
        ({ kind }) => kind === 'acme-account-key',
      );
      expect(gate?.lookup).toBe('gate-1');
      expect(Buffer.from(sealing.open(`credential:${gate?.id}`, gate?.sealed ?? new Uint8Array()))).toEqual(key);
    });
  });

  it.each([
    ['shorter than 16 octets', Buffer.alloc(15).toString('base64url')],
    ['cut off', Buffer.alloc(32).toString('base64url').slice(0, 41)],
    ['of other characters', `${'a'.repeat(30)}!!`],
    ['longer than 512 octets', 'a'.repeat(700)],
  ])('of ACME accounts are refused where the key is %s', async (_what, key) => {
    await withConfiguredStore(async ({ plan }) => {
      const line = `      - { kind: acme-account-key, name: gate, keyId: gate-1, hmacKey: "${key}" }\n`;
      const text = smallFleet.replace('policies:\n  - name: pumps', `${line}policies:\n  - name: pumps`);
      expect(await problemsOf(() => plan(text))).toEqual([expect.stringMatching(/hmacKey: a key of 16 to 512 bytes/)]);
    });
  });

  it('show a change of a secret without either', async () => {
    await withConfiguredStore(async ({ store, apply, plan }) => {
      await apply(smallFleet);
      const changed = smallFleet
        .replace('correct-horse', 'wrong-horse')
        .replace('battery-staple', 'paper-staple')
        .replace('username: bob', 'username: bob, usageLimit: 3');
      const { steps } = await plan(changed);
      const secret = { path: 'secret', from: '(secret)', to: '(another secret)' };
      expect(steps.filter(({ action }) => action === 'change')).toMatchObject([
        { name: 'pumps/installer', differences: [{ path: 'usageLimit', from: undefined, to: 3 }, secret] },
        { name: 'pumps/cmp', differences: [secret] },
      ]);
      await apply(changed);
      expect(await apply(changed)).toBe(false);
      const audit = (await store.audit.list({ limit: 10 })).map(({ content }) => content).join();
      expect(audit).not.toMatch(/horse|staple|[0-9a-f]{64}/);
      expect((await store.catalog.items()).map(({ document }) => document).join()).not.toMatch(/horse|staple/);
    });
  });

  it('keep their id and uses when their definition changes', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(smallFleet);
      const name = { authenticationPolicy: 'pumps', name: 'installer' };
      const before = await store.credentials.findByName(name);
      await store.commit({ statements: [store.credentials.consume({ id: before?.id ?? '', now: 1 })], audit: [] });
      await apply(smallFleet.replace('username: bob', 'username: ann'));
      expect(await store.credentials.findByName(name)).toMatchObject({ id: before?.id, uses: 1, username: 'ann' });
    });
  });

  it('stay revoked, and give their name to no other', async () => {
    await withConfiguredStore(async ({ store, apply, plan }) => {
      await apply(smallFleet);
      const record = await store.credentials.findByName({ authenticationPolicy: 'pumps', name: 'installer' });
      await store.commit({ statements: [store.credentials.revoke({ id: record?.id ?? '', at: 1 })], audit: [] });
      expect((await plan(smallFleet)).steps).toContainEqual(
        expect.objectContaining({ action: 'unchanged', name: 'pumps/installer', note: 'it was revoked, and stays so' }),
      );
      expect(await problemsOf(() => plan(smallFleet.replace('correct-horse', 'wrong-horse')))).toEqual([
        expect.stringMatching(/^fleet.yaml:20:33 .*: the credential "installer" was revoked/),
      ]);
    });
  });
});
