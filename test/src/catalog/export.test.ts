import { describe, expect, it } from '@jest/globals';
import { exportCatalog } from '../../../src/catalog/export.js';
import { loadCatalog } from '../../../src/catalog/load.js';
import { createPasscodes } from '../../../src/catalog/passcodes.js';
import { testActor } from '../../support/operator.js';
import { caPem, devicePem } from './certificates.js';
import { clock, problemsOf, smallFleet, withConfiguredStore } from './configured-store.js';

const certificates = `authenticationPolicies:
  - name: pumps
    division: plant
    credentials:
      - { kind: authentication-ca, name: factory, certificate: ${JSON.stringify(caPem)}, registeredValues: { subject: { O: A } } }
      - { kind: authentication-certificate, name: one, usageLimit: 2, notAfter: "2030-01-01T00:00:00Z", certificate: ${JSON.stringify(devicePem)} }
`;

describe('export', () => {
  it('is taken back by apply, which then has nothing to do', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply(smallFleet);
      await apply(certificates);
      expect(await apply(await exportCatalog(store))).toBe(false);
    });
  });

  it('has credentials without their secrets, which stay as they are where it is applied again', async () => {
    await withConfiguredStore(async ({ store, plan, apply }) => {
      await apply(smallFleet);
      const text = await exportCatalog(store);
      expect(text).not.toMatch(/horse|staple/);
      const changed = text.replace('username: bob', 'username: ann');
      const before = await store.credentials.findByName({ authenticationPolicy: 'pumps', name: 'installer' });
      await store.commit({ statements: [store.credentials.consume({ id: before?.id ?? '', now: 1 })], audit: [] });
      expect((await plan(changed)).steps.filter(({ action }) => action === 'change')).toMatchObject([
        { name: 'pumps/installer', differences: [{ path: 'username', from: 'bob', to: 'ann' }] },
      ]);
      await apply(changed);
      expect(await store.credentials.findByName({ authenticationPolicy: 'pumps', name: 'installer' })).toMatchObject({
        lookup: before?.lookup,
        username: 'ann',
        uses: 1,
      });
    });
  });

  it('keeps sealed secrets, and what they are found by, the same way', async () => {
    await withConfiguredStore(async ({ store, apply, sealing }) => {
      const keys = [
        `{ kind: acme-account-key, name: acme, keyId: gate-1, hmacKey: ${'a'.repeat(43)} }`,
        `{ kind: key-wrap-key, name: wrap, identifier: key-1, key: ${'ab'.repeat(16)} }`,
      ];
      const list = keys.map((line) => `      - ${line}\n`).join('');
      await apply(smallFleet.replace('    credentials:\n', `    credentials:\n${list}`));
      const before = await store.credentials.listByPolicy({ authenticationPolicy: 'pumps' });
      const text = await exportCatalog(store);
      expect(text).toContain('keyId: gate-1');
      expect(text).toContain('identifier: key-1');
      expect(text).toContain('reference: pump-1');
      expect(await apply(text)).toBe(false);
      expect(await apply(text.replace('reference: pump-1', 'reference: pump-2'))).toBe(true);
      const after = await store.credentials.listByPolicy({ authenticationPolicy: 'pumps' });
      expect(after.map(({ sealed }) => sealed)).toEqual(before.map(({ sealed }) => sealed));
      const cmp = after.find(({ name }) => name === 'cmp');
      expect(cmp?.lookup).toBe(Buffer.from('pump-2').toString('hex'));
      expect(Buffer.from(sealing.open(`credential:${cmp?.id}`, cmp?.sealed ?? new Uint8Array())).toString()).toBe(
        'battery-staple',
      );
    });
  });

  it('needs the secrets elsewhere, and says so with file and line', async () => {
    await withConfiguredStore(async (here) => {
      await here.apply(smallFleet);
      await here.apply(certificates);
      const text = await exportCatalog(here.store);
      await withConfiguredStore(async (there) => {
        expect(await problemsOf(() => there.plan(text))).toEqual([
          expect.stringMatching(
            /^fleet.yaml:\d+:\d+ authenticationPolicies\[0\].credentials\[0\].secret: is missing: no cmp-secret "cmp" is stored/,
          ),
          expect.stringMatching(/credentials\[2\].secret: is missing: no passcode "installer" is stored/),
        ]);
        const withSecret = (part: string, name: string, secret: string) =>
          part.replace(new RegExp(`^( *)name: ${name}$`, 'm'), `$1name: ${name}\n$1secret: ${secret}`);
        await there.apply(withSecret(withSecret(text, 'installer', 'correct-horse'), 'cmp', 'battery-staple'));
        const [first, second] = [await loadCatalog(here.store), await loadCatalog(there.store)];
        expect(second.policies.get('pumps')?.policy).toEqual(first.policies.get('pumps')?.policy);
        expect(second.certificateAuthorities).toEqual(first.certificateAuthorities);
        expect(second.authenticationPolicies.get('pumps')?.anchors[0]?.certificate).toEqual(
          first.authenticationPolicies.get('pumps')?.anchors[0]?.certificate,
        );
      });
    });
  });

  it('leaves secrets that were made beside the configuration out, and counts them in comments', async () => {
    await withConfiguredStore(async ({ apply, ...dependencies }) => {
      await apply(smallFleet);
      const wanted = { authenticationPolicy: 'pumps', name: 'batch', count: 30 };
      await createPasscodes(wanted, { ...dependencies, clock, actor: testActor });
      const text = await exportCatalog(dependencies.store);
      expect(text).toMatch(/^# {3}pumps: passcode batch-1, batch-10, .* and 10 more$/m);
      expect(text).not.toContain('name: batch');
    });
  });

  it('has what is new: marks of divisions, filters and authentication policies of groups', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      const text = smallFleet
        .replace('- name: plant', '- { name: plant, production: true }')
        .replace(
          'policies: [pumps] }',
          'policies: [pumps], authenticationPolicy: pumps }\n  - { name: old, division: plant, filter: { field: attributes.age, startsWith: "1" } }',
        )
        .replace('    credentials:', '    requireCaProof: true\n    credentials:');
      await apply(text);
      const exported = await exportCatalog(store);
      for (const part of [
        'production: true',
        'authenticationPolicy: pumps',
        'startsWith: "1"',
        'requireCaProof: true',
      ]) {
        expect(exported).toContain(part);
      }
      expect(await apply(exported)).toBe(false);
    });
  });

  it('leaves built-in templates out, and keeps text that looks like a variable as it is', async () => {
    await withConfiguredStore(async ({ store, apply }) => {
      await apply('divisions: [{ name: plant, description: "costs $${5}" }]');
      const text = await exportCatalog(store);
      expect(text).not.toContain('basic-device');
      expect(await apply(text)).toBe(false);
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the document has such a placeholder
      expect((await store.catalog.items())[0]?.document).toContain('costs ${5}');
    });
  });
});
