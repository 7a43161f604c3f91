import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readDocumentFile } from '../../../src/catalog/document-file.js';
import { loadCatalog } from '../../../src/catalog/load.js';
import { applyDocument } from '../../../src/declaration/apply.js';
import { planDocument } from '../../../src/declaration/plan.js';
import { testActor } from '../../support/operator.js';
import { caPem } from '../catalog/certificates.js';
import { withConfiguredStore } from '../catalog/configured-store.js';

/** The repository's config folder, from wherever this file was compiled to. */
function configFile(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'config', 'quickstart.yaml'))) {
    folder = dirname(folder);
  }
  return join(folder, 'config', name);
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-configuration-'));
const caFile = join(folder, 'factory-ca.pem');
beforeAll(() => writeFileSync(caFile, caPem));
afterAll(() => rmSync(folder, { recursive: true }));

const environment = {
  GATEHOUSE_USERNAME: 'quickstart',
  GATEHOUSE_PASSCODE: 'correct-horse',
  GATEHOUSE_CMP_REFERENCE: 'quickstart',
  GATEHOUSE_CMP_SECRET: 'battery-staple',
  GATEHOUSE_FACTORY_CA_FILE: caFile,
  FACTORY_CA_FILE: caFile,
  WEB_PASSCODE: 'battery-staple',
  FLEET_PASSCODE: 'battery-staple',
  GATEHOUSE_EAB_KID: 'quickstart',
  GATEHOUSE_EAB_HMAC: Buffer.alloc(32, 1).toString('base64url'),
  GATE_17_EAB_HMAC: Buffer.alloc(32, 255).toString('base64'),
  TPM_CA_FILE: caFile,
};

describe('the configurations that come with the gateway', () => {
  it.each(['quickstart.yaml', ...readdirSync(configFile('examples')).map((name) => `examples/${name}`)])(
    '%s can be applied, twice',
    async (name) => {
      await withConfiguredStore(async (dependencies) => {
        const plan = () => planDocument(readDocumentFile(configFile(name), environment), dependencies);
        const apply = async () => applyDocument(await plan(), { ...dependencies, actor: testActor });
        expect(await apply()).toBe(true);
        expect(await apply()).toBe(false);
      });
    },
  );

  it('quickstart has the policies that clients and documentation rely on', async () => {
    await withConfiguredStore(async (dependencies) => {
      const document = readDocumentFile(configFile('quickstart.yaml'), environment);
      await applyDocument(await planDocument(document, dependencies), { ...dependencies, actor: testActor });
      const { policies, defaultPolicy, certificateAuthorities: cas, groups } = await loadCatalog(dependencies.store);
      expect([...policies.keys()].sort()).toEqual([
        'quickstart',
        'quickstart-approval',
        'quickstart-gateway',
        'quickstart-rsa',
      ]);
      expect(defaultPolicy?.policy.name).toBe('quickstart');
      expect(defaultPolicy?.policy).toMatchObject({ approval: 'automatic', keyGeneration: ['device', 'gateway'] });
      expect([...(defaultPolicy?.profiles.keys() ?? [])]).toEqual(['operational']);
      expect(defaultPolicy?.authentication).toMatchObject({
        hasPasscodes: true,
        anchors: [{ name: 'quickstart-factory' }],
      });
      for (const name of ['quickstart', 'quickstart-rsa', 'quickstart-approval']) {
        const { acme } = policies.get(name)?.policy ?? {};
        expect(acme).toMatchObject({ authorization: 'challenges', allowedNetworks: ['127.0.0.0/8', '::1/128'] });
      }
      expect(policies.get('quickstart-approval')?.policy.approval).toBe('manual');
      expect(policies.get('quickstart-gateway')?.profiles.get('intermediate')?.profile.pathLength).toBe(0);
      expect(cas.get('quickstart-ec')).toMatchObject({ key: 'ec-p256', issueIntermediates: false });
      expect(cas.get('quickstart-rsa')).toMatchObject({ key: 'rsa-2048', parent: 'quickstart-rsa-root' });
      expect(groups.get('gateways')?.policies).toContain('quickstart-gateway');
    });
  });
});
