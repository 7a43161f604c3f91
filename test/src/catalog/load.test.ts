import { describe, expect, it } from '@jest/globals';
import { createCatalogHolder } from '../../../src/catalog/holder.js';
import { type CompiledProfiles, loadCatalog } from '../../../src/catalog/load.js';
import { caPem } from './certificates.js';
import { problemsOf, smallFleet, withConfiguredStore } from './configured-store.js';

const anchor = (name: string) => `authenticationPolicies:
  - name: pumps
    division: plant
    credentials:
      - kind: authentication-ca
        name: ${name}
        notAfter: "2030-01-01T00:00:00Z"
        allowedAddresses: [10.0.0.0/8]
        registeredValues: { subject: { organizationName: Plant } }
        certificate: ${JSON.stringify(caPem)}
`;

describe('catalog', () => {
  it('of an empty store has the built-in templates and nothing else', async () => {
    await withConfiguredStore(async ({ store }) => {
      const catalog = await loadCatalog(store);
      expect(catalog.version).toBe(0);
      expect([...catalog.templates.keys()]).toEqual([
        'tls-server',
        'tls-client',
        'basic-device',
        'bootstrap-device',
        'ipsec-device',
        'code-signing',
        'basic-intermediate-ca',
      ]);
      expect(catalog.policies.size + catalog.profiles.size + catalog.divisions.size).toBe(0);
      expect(catalog.defaultPolicy).toBeUndefined();
    });
  });

  it('resolves what policies refer to', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(smallFleet.replace('methods: [est]', 'methods: [est]\n    default: true'));
      await apply(anchor('factory'));
      const { policies, defaultPolicy, profiles, authenticationPolicies } = await loadCatalog(store);
      const pumps = policies.get('pumps');
      expect(pumps).toBe(defaultPolicy);
      expect(pumps?.profiles.get('operational')).toBe(profiles.get('pump'));
      expect(pumps?.authentication).toBe(authenticationPolicies.get('pumps'));
      expect(pumps?.authentication.hasPasscodes).toBe(true);
      expect(pumps?.authentication.anchors).toMatchObject([
        {
          name: 'factory',
          notAfter: new Date('2030-01-01T00:00:00Z'),
          allowedAddresses: ['10.0.0.0/8'],
          registeredValues: { subject: { organizationName: ['Plant'] } },
        },
      ]);
    });
  });

  it('leaves revoked credentials out', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(smallFleet);
      await apply(anchor('factory'));
      for (const { id } of await store.credentials.listByPolicy({ authenticationPolicy: 'pumps' })) {
        await store.commit({ statements: [store.credentials.revoke({ id, at: 1 })], audit: [] });
      }
      const { authenticationPolicies } = await loadCatalog(store);
      expect(authenticationPolicies.get('pumps')).toMatchObject({ anchors: [], hasPasscodes: false });
    });
  });

  it('compiles a profile again only when it or its template has changed', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      const compiled: CompiledProfiles = new Map();
      await apply(smallFleet);
      const first = (await loadCatalog(store, compiled)).profiles.get('pump');
      await apply('divisions: [{ name: office }]');
      expect((await loadCatalog(store, compiled)).profiles.get('pump')).toBe(first);
      await apply(smallFleet.replace('90d', '60d'));
      const second = (await loadCatalog(store, compiled)).profiles.get('pump');
      expect(second?.profile.validity).toBe(60 * 86_400);
    });
  });

  it('is refused when the store holds what this version does not know', async () => {
    await withConfiguredStore(async ({ store }) => {
      const put = (kind: string, document: object) =>
        store.commit({
          statements: [store.catalog.put({ kind, name: 'x', document: JSON.stringify(document), updatedAt: 0 })],
          audit: [],
        });
      await put('division', { name: 'x', colour: 'red' });
      expect(await problemsOf(() => loadCatalog(store))).toEqual([
        expect.stringMatching(/^stored division "x" does not fit this version of the gateway: /),
      ]);
      await put('division', { name: 'x' });
      await put('constellation', { name: 'x' });
      expect(await problemsOf(() => loadCatalog(store))).toEqual([
        'stored constellation "x": this version of the gateway does not know this kind',
      ]);
    });
  });
});

describe('catalog holder', () => {
  const log = { info: () => undefined, error: () => undefined };

  it('swaps the whole snapshot when the version has changed, and only then', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      const holder = await createCatalogHolder({ store, log, intervalMilliseconds: 100_000 });
      const before = holder.current();
      expect(await holder.refresh()).toBe(false);
      expect(holder.current()).toBe(before);
      await apply(smallFleet);
      expect(await Promise.all([holder.refresh(), holder.refresh()])).toEqual([true, false]);
      expect(before.policies.size).toBe(0);
      expect(holder.current().policies.size).toBe(1);
      holder.close();
    });
  });

  it('finds changes of others by itself, and keeps what it has when they cannot be loaded', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      const logged: string[] = [];
      const listening = {
        info: (_: object, text: string) => logged.push(text),
        error: (_: object, text: string) => logged.push(text),
      };
      const holder = await createCatalogHolder({ store, log: listening, intervalMilliseconds: 10 });
      await apply(smallFleet);
      await until(() => holder.current().version === 1);
      const item = { kind: 'unknown', name: 'x', document: '{}', updatedAt: 0 };
      await store.commit({
        statements: [store.catalog.bumpVersion({ expected: 1 }), store.catalog.put(item)],
        audit: [],
      });
      await until(() => logged.length === 2);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(logged).toEqual([
        'configuration changed',
        'configuration cannot be loaded; the previous one stays in use',
      ]);
      expect(holder.current().version).toBe(1);
      holder.close();
    });
  });
});

async function until(isSo: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500 && !isSo(); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
