/** CA = true and the purposes that give power over others (RFC 9480 2.2): by the template of the profile that applies. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import {
  decodeExtKeyUsage,
  type Extension,
  encodeBasicConstraints,
  encodeExtKeyUsage,
} from '../../../src/x509/extensions.js';
import { idCeBasicConstraints, idCeExtKeyUsage, idKpClientAuth } from '../../../src/x509/oids.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { recordOf } from '../../support/records.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients = new Map<string, CmpClient>();

const configuration = `
certificateAuthorities:
  - { name: gateways, parent: root, subject: "CN=Gateways,O=Plant", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
templates:
  - name: capable
    keys: { ec: { curves: [P-256] } }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth, cmcRA, cmcCA, cmKGA]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: capable
    template: capable
    subject: [{ attribute: commonName, source: request, required: true }]
    extendedKeyUsages: [clientAuth, cmcRA, cmcCA, cmKGA]
    usageSource: request
    validity: 90d
  - name: modest
    template: capable
    subject: [{ attribute: commonName, source: request, required: true }]
    extendedKeyUsages: [clientAuth]
    usageSource: request
    validity: 90d
  - name: gateway
    template: basic-intermediate-ca
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [keyCertSign, cRLSign]
    pathLength: 0
    validity: 1y
`;

beforeAll(async () => {
  test = await startCmpFleet();
  await applyYaml(test, configuration);
  const policies: [string, string][] = [
    ['early-power', 'profiles: [{ usage: bootstrap, profile: capable }, { usage: operational, profile: device }]'],
    ['late-power', 'profiles: [{ usage: bootstrap, profile: device }, { usage: operational, profile: capable }]'],
    ['modest', 'profiles: [{ usage: operational, profile: modest }]'],
    [
      'gateways',
      'issuingCa: gateways, keyGeneration: [device], profiles: [{ usage: operational, profile: device }, { usage: intermediate, profile: gateway }]',
    ],
  ];
  for (const [name, changes] of policies) await applyYaml(test, cmpPolicy(name, '', changes));
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

function connect(label: string): CmpClient {
  const client = clients.get(label) ?? createCmpClient(test, { label, credential: byMac });
  clients.set(label, client);
  return client;
}

const purposes = (...ids: readonly string[]): readonly Extension[] => [
  { id: idCeExtKeyUsage, critical: false, value: encodeExtKeyUsage(ids) },
];
const authority = [{ id: idCeBasicConstraints, critical: true, value: encodeBasicConstraints({ ca: true }) }];
const powers = [
  ['cmcCA', '1.3.6.1.5.5.7.3.27'],
  ['cmcRA', '1.3.6.1.5.5.7.3.28'],
  ['cmKGA', '1.3.6.1.5.5.7.3.32'],
] as const;
const unnamed = { failInfo: 'notAuthorized', code: 'rejected-power' } as const;

function purposesOf(der: Uint8Array): readonly string[] {
  return decodeExtKeyUsage(extension(decodeCertificate(der), idCeExtKeyUsage) ?? new Uint8Array());
}

describe.each(powers)('%s', (name, id) => {
  const wish = (): EnrollWish => ({ key: newKey(), subject: `CN=${name}`, extensions: purposes(id) });

  it('is granted where the template of the profile names it that the requester gets', async () => {
    expect(purposesOf(issuedBy(await connect('early-power').ir(wish())).raw)).toEqual([id]);
    const { credential } = await enrolled(test, { label: 'late-power', name });
    const later = await connect('late-power').cr({ ...wish(), credential });
    expect(later.pkiStatus).toBe('accepted');
    expect(purposesOf(issuedBy(later).raw)).toEqual([id]);
    const chosen = await connect('late-power').ir({ ...wish(), subject: `CN=${name}-chosen`, profile: 'capable' });
    expect(purposesOf(issuedBy(chosen).raw)).toEqual([id]);
  });

  it('is notAuthorized where it does not, whatever other profiles have', async () => {
    await expectRejected(test, () => connect('late-power').ir(wish()), { body: 'ip', says: name, ...unnamed });
    const { credential } = await enrolled(test, { label: 'early-power', name });
    const later = () => connect('early-power').cr({ ...wish(), credential });
    await expectRejected(test, later, { body: 'cp', says: name, ...unnamed });
    const csr = makeCsr({ key: newKey(), subject: `CN=${name}`, extensions: [...purposes(id)] });
    await expectRejected(test, () => connect('cmp').p10cr(csr), { body: 'cp', says: name, ...unnamed });
  });

  it('is badCertTemplate, or left out, where the template names it and the profile does not', async () => {
    await expectRejected(test, () => connect('modest').ir(wish()), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'rejected-profile',
    });
    const extensions = purposes(idKpClientAuth, id);
    const less = await connect('modest').ir({ ...wish(), extensions });
    expect(less).toMatchObject({ pkiStatus: 'grantedWithMods', statusString: expect.stringContaining(name) });
    expect(purposesOf(issuedBy(less).raw)).toEqual([idKpClientAuth]);
  });
});

describe('CA = true', () => {
  const wish = (profile?: string): EnrollWish => {
    const own = { key: newKey(), subject: 'CN=gateway', extensions: authority };
    return profile === undefined ? own : { ...own, profile };
  };

  it('is granted by the profile for CA certificates, which certProfile chooses', async () => {
    const outcome = await connect('gateways').ir(wish('gateway'));
    expect(outcome.pkiStatus).toBe('accepted');
    expect(issuedBy(outcome).ca).toBe(true);
    expect(await recordOf(test, issuedBy(outcome))).toMatchObject({ usage: 'intermediate', profile: 'gateway' });
  });

  it('is notAuthorized by another one beside it, in ir and p10cr', async () => {
    await expectRejected(test, () => connect('gateways').ir(wish()), { body: 'ip', says: 'CA', ...unnamed });
    const csr = makeCsr({ key: newKey(), subject: 'CN=gateway', extensions: authority });
    await expectRejected(test, () => connect('gateways').p10cr(csr), { body: 'cp', says: 'CA', ...unnamed });
    const named = await connect('gateways').p10cr(csr, { profile: 'gateway' });
    expect(issuedBy(named).ca).toBe(true);
  });
});

describe('An extension that cannot be read is badCertTemplate', () => {
  it.each([
    ['key usage', '2.5.29.15'],
    ['extended key usage', idCeExtKeyUsage],
    ['basic constraints', idCeBasicConstraints],
  ])('%s', async (_name, id) => {
    const extensions = [{ id, critical: false, value: Uint8Array.of(4, 1, 0) }];
    await expectRejected(test, () => connect('cmp').ir({ key: newKey(), extensions }), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'malformed-request',
    });
  });
});
