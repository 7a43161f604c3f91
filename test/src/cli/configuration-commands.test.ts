/** `gatehouse division|group|policy|profile|template|ca` */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { exportCatalog } from '../../../src/catalog/export.js';
import { certificateAuthorityCommand } from '../../../src/cli/certificate-authority.js';
import {
  divisionCommand,
  groupCommand,
  profileCommand,
  templateCommand,
} from '../../../src/cli/configuration-commands.js';
import { policyCommand } from '../../../src/cli/policy.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { formatName } from '../../../src/x509/names.js';
import { fromPem, toPem } from '../../../src/x509/pem.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { makeCsr } from '../../support/make-csr.js';
import { eventsOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-policy-'));
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('asked', 'approval: manual'));
});
afterAll(async () => {
  await test.close();
  await rm(folder, { recursive: true });
});

const run = (create: Parameters<typeof runCommand>[0], ...words: string[]) => runCommand(create, test, words);
const lines = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/));

describe('list and show', () => {
  it('lists each kind as a table, and as JSON with all defaults', async () => {
    expect(lines(await run(divisionCommand, 'list'))[1]).toEqual(['plant', 'pumps valves', 'asked fleet', '-', '-']);
    expect(lines(await run(groupCommand, 'list'))[2]).toEqual(['valves', 'plant', 'yes', 'fleet', '-']);
    expect(lines(await run(profileCommand, 'list'))[1]).toEqual([
      'device',
      'device',
      '90d',
      'digitalSignature keyEncipherment',
      '-',
    ]);
    expect(lines(await run(groupCommand, 'list', '--search', 'VALV'))).toHaveLength(2);
    expect(lines(await run(groupCommand, 'list', '--division', 'plant'))).toHaveLength(3);
    expect(await run(groupCommand, 'list', '--search', 'x')).toBe('no device groups');
    await expect(run(groupCommand, 'list', '--division', 'x')).rejects.toThrow('there is no division "x"');
    const built = lines(await run(templateCommand, 'list')).find(([name]) => name === 'basic-intermediate-ca');
    expect(built?.slice(0, 4)).toEqual(['basic-intermediate-ca', 'yes', 'CAs', '10y']);
    expect(lines(await run(policyCommand, 'list'))[2]).toEqual([
      'fleet',
      'plant',
      'yes, default',
      'devices',
      'est scep cmp',
      'automatic',
      '-',
    ]);
    expect(lines(await run(certificateAuthorityCommand, 'list'))[1]?.slice(0, 5)).toEqual([
      'devices',
      'root',
      'ec-p256',
      'CN=Devices,O=Plant',
      'devices-1',
    ]);
    const [first] = (await run(policyCommand, 'list', '--json')).split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ name: 'asked', approvalTimeout: 604_800 });
  });

  it('shows one as its configuration file has it, and what else is known in comments', async () => {
    const shown = await run(policyCommand, 'show', 'fleet');
    expect(shown).toContain('# labels: fleet, fleet~pumps, fleet~valves\n# valid certificates: 0\nname: fleet\n');
    expect(parse(shown)).toMatchObject({ name: 'fleet', default: true, issuingCa: 'devices' });
    expect(JSON.parse(await run(policyCommand, 'show', 'fleet', '--json'))).toMatchObject({
      enabled: true,
      validCertificates: 0,
    });
    expect(await run(groupCommand, 'show', 'valves')).toContain('# labels: fleet~valves');
    expect(await run(divisionCommand, 'show', 'plant')).toContain('# policies: asked, fleet');
    expect(await run(templateCommand, 'show', 'basic-device')).toContain('# profiles: none');
    expect(await run(profileCommand, 'show', 'device')).toContain('# policies: asked, fleet');
  });

  it('names what there is where there is no such thing', async () => {
    await expect(run(policyCommand, 'show', 'flet')).rejects.toThrow(
      'there is no policy "flet"; there are: asked, fleet',
    );
  });
});

describe('gatehouse ca', () => {
  it('prints certificates and CRLs in PEM', async () => {
    const own = await run(certificateAuthorityCommand, 'certificate', 'devices');
    expect(new X509Certificate(own).subject).toBe('O=Plant\nCN=Devices');
    expect(await run(certificateAuthorityCommand, 'certificate', 'devices-1')).toBe(own);
    const chain = await run(certificateAuthorityCommand, 'certificate', 'devices', '--chain');
    expect(fromPem(chain, 'CERTIFICATE')).toHaveLength(2);
    const [crl = new Uint8Array()] = fromPem(await run(certificateAuthorityCommand, 'crl', 'devices'), 'X509 CRL');
    expect(formatName(decodeCertificateList(crl).issuer)).toBe('CN=Devices,O=Plant');
  });

  it('says which there are', async () => {
    await expect(run(certificateAuthorityCommand, 'certificate', 'x')).rejects.toThrow(
      'no CA or generation of one is called "x"; the generations are: devices-1, root-1',
    );
    await expect(run(certificateAuthorityCommand, 'crl', 'devices', '--delta')).rejects.toThrow(
      'devices-1 has no delta of partition 0: its CA publishes them once it has crl.delta',
    );
    await expect(run(certificateAuthorityCommand, 'crl', 'devices', '--partition', '7')).rejects.toThrow(
      'devices-1 has no CRL of partition 7; it has 0',
    );
  });
});

describe('gatehouse policy', () => {
  it('switches a policy off and on again, and leaves it as it was', async () => {
    const before = await exportCatalog(test.gateway.core.store);
    expect(await run(policyCommand, 'disable', 'fleet')).toBe('policy fleet is disabled');
    expect(test.gateway.core.catalog().policies.get('fleet')?.policy.enabled).toBe(false);
    expect(await run(policyCommand, 'disable', 'fleet')).toBe('policy fleet was disabled already');
    expect(JSON.parse(await run(policyCommand, 'enable', 'fleet', '--json'))).toEqual({
      policy: 'fleet',
      enabled: true,
      changed: true,
    });
    expect(await exportCatalog(test.gateway.core.store)).toBe(before);
    const [event] = await eventsOf(test, 'catalog.applied');
    expect(JSON.parse(event?.content ?? '').actor).toMatch(/^command line/);
  });

  it('tells what would become of a request', async () => {
    const csr = join(folder, 'device.csr');
    await writeFile(csr, makeCsr({ subject: 'CN=pump-1' }));
    const pem = join(folder, 'device.pem');
    await writeFile(pem, toPem('CERTIFICATE REQUEST', makeCsr({ subject: 'CN=pump_1' })));
    const asked = ['evaluate', 'fleet', '--protocol', 'est', '--credential', 'fleet'];
    const said = await run(policyCommand, ...asked, '--csr', csr);
    expect(said).toMatch(/^approved\n/);
    expect(said).toContain('  device: pump-1 (new)');
    expect(said).toMatch(/\nok +authentication +passcode:\S+, by passcode "fleet"\n/);
    expect(said).toContain('  subject: CN=pump-1');
    expect(said).toContain('  keyUsage (critical): digitalSignature');
    const denied = await run(policyCommand, ...asked, '--csr', pem);
    expect(denied).toMatch(/^denied: rejected-name\n {2}reason: /);
    expect(denied.split('\n').at(-1)).toMatch(/^denied +subject +.*does not match the pattern/);
    const json = await run(policyCommand, ...asked, '--generate-key', '--subject', 'CN=pump-2', '--json');
    expect(JSON.parse(json)).toMatchObject({ outcome: 'approved', certificate: { subject: 'CN=pump-2' } });
  });

  it('refuses questions that say too little or too much', async () => {
    const asked = ['evaluate', 'fleet', '--protocol', 'est'];
    await expect(run(policyCommand, ...asked)).rejects.toThrow('give one of --csr, --public-key and --generate-key');
    await expect(run(policyCommand, ...asked, '--csr', '/missing.csr')).rejects.toThrow(
      'there is no file /missing.csr',
    );
    await expect(
      run(policyCommand, ...asked, '--generate-key', '--device', 'a', '--issued-certificate', 'b'),
    ).rejects.toThrow('a caller presents one certificate');
    await expect(run(policyCommand, 'evaluate', 'fleet', '--csr', 'x')).rejects.toThrow("required option '--protocol");
  });
});
