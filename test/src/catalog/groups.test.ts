import { describe, expect, it } from '@jest/globals';
import { loadCatalog } from '../../../src/catalog/load.js';
import { findTarget } from '../../../src/enrollment/target.js';
import { type ConfiguredStore, problemsOf, smallFleet, withConfiguredStore } from './configured-store.js';

const withOwnAuthentication = smallFleet
  .replace(
    'policies: [pumps] }',
    'policies: [pumps], authenticationPolicy: strict }\n  - { name: valves, division: plant, policies: [pumps] }',
  )
  .replace(
    'authenticationPolicies:\n',
    'authenticationPolicies:\n  - { name: strict, division: plant, require: certificate }\n',
  );

function insertDevice({ store }: ConfiguredStore, group: string): Promise<void> {
  const device = { id: 'd1', division: 'plant', name: 'pump-1', groupName: group, state: 'registered' } as const;
  const insert = store.devices.insert({ ...device, identifiers: '{}', attributes: '{}', createdAt: 0, updatedAt: 0 });
  return store.commit({ statements: [insert], audit: [] });
}

describe('a device group', () => {
  it('may have an authentication policy of its own, for its label alone', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(withOwnAuthentication);
      const catalog = await loadCatalog(store);
      const nameAt = (label: string) => findTarget(catalog, label).resolved.authentication.policy.name;
      expect(nameAt('pumps~pumps')).toBe('strict');
      expect(nameAt('pumps~valves')).toBe('pumps');
      expect(nameAt('pumps')).toBe('pumps');
      expect(findTarget(catalog, 'pumps~pumps').resolved).toBe(findTarget(catalog, 'pumps~pumps').resolved);
      expect(catalog.authenticationPolicies.get('strict')?.opens).toEqual(new Set(['pumps']));
      expect(catalog.authenticationPolicies.get('pumps')?.opens).toEqual(new Set(['pumps']));
    });
  });

  it.each([
    ['that is there', 'strict }', 'strickt }', /authenticationPolicy: there is no authentication policy "strickt"/],
    [
      'of its division',
      'strict, division: plant',
      'strict, division: office',
      /authenticationPolicy: authentication policy "strict" is in division "office", this group in "plant"/,
    ],
  ])('has one %s', async (_what, from, to, expected) => {
    const text = withOwnAuthentication.replace('- name: plant', '- name: plant\n  - name: office').replace(from, to);
    await withConfiguredStore(async ({ plan }) => {
      expect((await problemsOf(() => plan(text))).join('\n')).toMatch(expected);
    });
  });

  it('that is dynamic takes no devices just in time', async () => {
    const filter =
      'filter: { any: [{ field: name, startsWith: pump }, { not: { field: attributes.site, exists: true } }] }';
    const text = smallFleet.replace('policies: [pumps] }', `policies: [pumps], ${filter} }`);
    await withConfiguredStore(async ({ plan }) => {
      expect(await problemsOf(() => plan(text))).toEqual([
        expect.stringMatching(/policies\[0\].defaultGroup: device group "pumps" is a dynamic one/),
      ]);
    });
  });

  it('with devices becomes no dynamic one, and goes to no other division', async () => {
    await withConfiguredStore(async (configured) => {
      const { apply, plan } = configured;
      const group = (more: string) =>
        `divisions: [{ name: plant }, { name: office }]\ndeviceGroups: [{ name: old, ${more} }]\n`;
      await apply(group('division: plant'));
      expect(await problemsOf(() => plan(group('division: office')))).toEqual([]);
      await insertDevice(configured, 'old');
      expect(await problemsOf(() => plan(group('division: office')))).toEqual([
        expect.stringMatching(
          /deviceGroups\[0\].division: cannot be changed while devices are in the group, such as "pump-1"/,
        ),
      ]);
      expect(await problemsOf(() => plan(group('division: plant, filter: { field: name, equals: x }')))).toEqual([
        expect.stringMatching(/deviceGroups\[0\].filter: cannot be changed while devices are in the group/),
      ]);
    });
  });
});

describe('a policy without authentication policy', () => {
  const without = (methods: string) =>
    smallFleet.replace('    authenticationPolicy: pumps\n', '').replace('methods: [est]', `methods: ${methods}`);

  it('is for rest, batch and portal', async () => {
    await withConfiguredStore(async ({ apply, store }) => {
      await apply(without('[rest, batch, portal]'));
      const { authentication } = findTarget(await loadCatalog(store), 'pumps').resolved;
      expect(authentication).toMatchObject({ policy: { name: '.none' }, anchors: [], hasPasscodes: false });
    });
  });

  it.each(['est', 'scep', 'cmp', 'acme'])('is not for %s', async (method) => {
    await withConfiguredStore(async ({ plan }) => {
      expect((await problemsOf(() => plan(without(`[rest, ${method}]`)))).join('\n')).toMatch(
        new RegExp(`policies\\[0\\].authenticationPolicy: is missing: ${method} needs one`),
      );
    });
  });
});
