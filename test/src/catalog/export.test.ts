import { describe, expect, it } from '@jest/globals';
import { exportCatalog } from '../../../src/catalog/export.js';
import { loadCatalog } from '../../../src/catalog/load.js';
import { caPem, devicePem } from './certificates.js';
import { smallFleet, withConfiguredStore } from './configured-store.js';

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

  it('makes the same configuration elsewhere, but for credentials with a secret, which it names in comments', async () => {
    await withConfiguredStore(async (here) => {
      await here.apply(smallFleet);
      await here.apply(certificates);
      const text = await exportCatalog(here.store);
      expect(text).not.toMatch(/horse|staple/);
      expect(text).toContain('#   pumps: passcode installer\n');
      expect(text).toContain('#   pumps: cmp-secret cmp\n');
      await withConfiguredStore(async (there) => {
        await there.apply(text);
        const [first, second] = [await loadCatalog(here.store), await loadCatalog(there.store)];
        expect(second.policies.get('pumps')?.policy).toEqual(first.policies.get('pumps')?.policy);
        expect(second.certificateAuthorities).toEqual(first.certificateAuthorities);
        expect(second.authenticationPolicies.get('pumps')?.anchors[0]?.certificate).toEqual(
          first.authenticationPolicies.get('pumps')?.anchors[0]?.certificate,
        );
        expect(second.authenticationPolicies.get('pumps')?.hasPasscodes).toBe(false);
      });
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
