import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../../src/errors.js';
import { createIdentifier } from '../../../src/identifier.js';
import { printableString, utf8String } from '../../../src/x509/der-writer.js';
import { encodeExtKeyUsage, encodeKeyUsage } from '../../../src/x509/extensions.js';
import { anyExtendedKeyUsage, idCeExtKeyUsage, idCeKeyUsage, idKpCmcCa, idKpCmcRa } from '../../../src/x509/oids.js';
import { keyFingerprint } from '../../../src/x509/public-key.js';
import { type Answer, certificateOf, createEstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { type CsrOptions, makeCsr, newKey, rsaKey, spkiOf } from '../../support/make-csr.js';
import { countRecords, eventOf, expectRefused, recordOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const compromised = newKey();
const hardwareId = '1.3.6.1.4.1.55555.7';

const changes = `
templates:
  - name: special
    keys: { ec: { curves: [P-256] } }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth, cmcRA]
    extensions: ["${hardwareId}"]
    subjectAttributes: [commonName, organizationName]
    maximumValidity: 30d
profiles:
  - name: special
    template: special
    subject:
      - { attribute: organizationName, source: fixed, value: Plant }
      - { attribute: commonName, source: device, field: name, required: true }
    extensions: [{ id: "${hardwareId}", source: request, required: true, pattern: "HW-[0-9]+" }]
    otherExtensions: ignore
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth, cmcRA]
    usageSource: request
    validity: 30d
  - name: plain
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature, keyEncipherment]
    extendedKeyUsages: [clientAuth]
    usageSource: request
    validity: 30d
certificateAuthorities:
  - { name: gateways, parent: root, subject: "CN=Gateways,O=Plant", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
`;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, changes);
  await applyYaml(
    test,
    policyLike('special', 'keyGeneration: [device], profiles: [{ usage: operational, profile: special }]'),
  );
  await applyYaml(test, policyLike('plain', 'profiles: [{ usage: operational, profile: plain }]'));
  await applyYaml(test, policyLike('refuse', 'duplicates: refuse'));
  await applyYaml(test, policyLike('replace', 'duplicates: revoke-previous'));
  await applyYaml(test, policyLike('known', 'devices: registered'));
  await applyYaml(test, policyLike('few', 'limits: { certificates: 2 }'));
  await applyYaml(test, policyLike('one-each', 'limits: { certificatesPerDevice: 1 }'));
});
afterAll(() => test.close());

async function enroll(label: string, request: CsrOptions = {}): Promise<Answer> {
  const est = createEstClient(test, { label, passcode: fleetPasscode });
  const answer = await est.post('simpleenroll', makeCsr({ key: newKey(), ...request }));
  est.close();
  return answer;
}

const extension = (id: string, value: Uint8Array) => ({ id, critical: false, value });

describe('the policy engine over EST: sources and extensions', () => {
  const request = { subject: 'CN=special-1', extensions: [extension(hardwareId, utf8String('HW-17'))] };

  it('takes each part of the certificate from its source, and only that', async () => {
    const extensions = [...request.extensions, extension('1.2.3.4', printableString('left out'))];
    const certificate = certificateOf(await enroll('special', { ...request, extensions }));
    expect(certificate.subject).toBe('O=Plant\nCN=special-1');
    expect(certificate.raw.includes(Buffer.from('HW-17'))).toBe(true);
    expect(certificate.raw.includes(Buffer.from('left out'))).toBe(false);
    const event = await eventOf(test, { requestId: (await recordOf(test, certificate)).requestId });
    expect(event?.modified).toEqual(['extension 1.2.3.4 is left out']);
  });

  it.each<[string, CsrOptions, string]>([
    ['a required extension that is missing', { extensions: [] }, 'requires it'],
    ['an extension that does not match', { extensions: [extension(hardwareId, utf8String('HW-x'))] }, 'does not match'],
    ['an RSA key', { key: rsaKey }, 'RSA keys are not taken'],
  ])('refuses %s', async (_, wrong, says) => {
    const answer = await enroll('special', { ...request, ...wrong });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(says)]);
    expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused' });
  });

  it('gives key usages that fit the key (RFC 8813)', async () => {
    const usages = async (label: string, changed: CsrOptions) =>
      certificateOf(await enroll(label, { subject: 'CN=usages', ...changed })).raw;
    const bits = (certificate: Buffer) =>
      certificate
        .subarray(certificate.indexOf(Buffer.from('0603551d0f', 'hex')))
        .subarray(0, 16)
        .toString('hex');
    expect(bits(await usages('fleet', {}))).toMatch(/^0603551d0f0101ff0404030207 ?80/);
    expect(bits(await usages('fleet', { key: rsaKey }))).toMatch(/^0603551d0f0101ff0404030205 ?a0/);
  });

  it.each<[string, string, Uint8Array, string, ErrorCode]>([
    [
      'keyCertSign',
      idCeKeyUsage,
      encodeKeyUsage(['digitalSignature', 'keyCertSign']),
      'keyCertSign',
      'rejected-profile',
    ],
    ['an RA extended key usage', idCeExtKeyUsage, encodeExtKeyUsage([idKpCmcRa]), 'cmcRA', 'rejected-power'],
    ['a CA extended key usage', idCeExtKeyUsage, encodeExtKeyUsage([idKpCmcCa]), 'cmcCA', 'rejected-power'],
    [
      'anyExtendedKeyUsage',
      idCeExtKeyUsage,
      encodeExtKeyUsage([anyExtendedKeyUsage]),
      'anyExtendedKeyUsage',
      'rejected-profile',
    ],
  ])('refuses %s where the template does not name it', async (_, id, value, says, code) => {
    const answer = await enroll('plain', { subject: 'CN=usages-2', extensions: [extension(id, value)] });
    await expectRefused(test, answer, { status: 400, code, says });
  });

  it('gives an RA extended key usage where the template names it', async () => {
    const extensions = [...request.extensions, extension(idCeExtKeyUsage, encodeExtKeyUsage(['1.3.6.1.5.5.7.3.28']))];
    const certificate = certificateOf(await enroll('special', { subject: 'CN=ra', extensions }));
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.28']);
  });
});

describe('the policy engine over EST: keys and devices', () => {
  it("refuses a key that is another device's", async () => {
    const key = newKey();
    certificateOf(await enroll('fleet', { key, subject: 'CN=owner' }));
    const answer = await enroll('fleet', { key, subject: 'CN=thief' });
    await expectRefused(test, answer, { status: 400, code: 'unacceptable-key', says: 'another device' });
  });

  it('refuses a duplicate, or revokes the previous one, as the policy says', async () => {
    certificateOf(await enroll('refuse', { subject: 'CN=twice' }));
    await expectRefused(test, await enroll('refuse', { subject: 'CN=twice' }), {
      status: 409,
      code: 'duplicate-request',
      says: 'valid certificate',
    });
    const first = certificateOf(await enroll('replace', { subject: 'CN=replaced' }));
    const second = certificateOf(await enroll('replace', { subject: 'CN=replaced' }));
    expect(await recordOf(test, first)).toMatchObject({ status: 'revoked', revocationReason: 4 });
    expect(await recordOf(test, second)).toMatchObject({ status: 'valid' });
  });

  it('leaves one of ten duplicates at once valid', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => enroll('refuse', { subject: 'CN=ten' })));
    const statuses = answers.map(({ status }) => status).filter((status) => status !== 503);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(new Set(statuses)).toEqual(new Set([200, 409]));
  });

  it('keeps its limits, also at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => enroll('few', { subject: `CN=few-${i}` })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    await expectRefused(test, await enroll('few', { subject: 'CN=few-9' }), {
      status: 403,
      code: 'forbidden',
      says: 'limit of 2',
    });
    certificateOf(await enroll('one-each', { subject: 'CN=each-1' }));
    await expectRefused(test, await enroll('one-each', { subject: 'CN=each-1' }), {
      status: 403,
      code: 'forbidden',
      says: 'limit of 1',
    });
    certificateOf(await enroll('one-each', { subject: 'CN=each-2' }));
  });

  it('registers no unknown devices where the policy takes registered ones only', async () => {
    const before = await countRecords(test);
    await expectRefused(test, await enroll('known', { subject: 'CN=stranger' }), {
      status: 403,
      code: 'forbidden',
      says: 'not registered',
    });
    expect(await countRecords(test)).toEqual(before);
    const { devices } = test.gateway.core.store;
    const at = Date.now();
    const device = {
      id: createIdentifier(),
      division: 'plant',
      name: 'known-1',
      groupName: 'pumps',
      state: 'registered',
      identifiers: '{}',
      attributes: '{}',
      createdAt: at,
      updatedAt: at,
    } as const;
    await test.gateway.core.store.commit({ statements: [devices.insert(device)], audit: [] });
    certificateOf(await enroll('known', { subject: 'CN=known-1' }));
    expect(await devices.findById({ id: device.id })).toMatchObject({ state: 'operational' });
  });

  it.each(['suspended', 'retired'] as const)('gives nothing to a %s device', async (state) => {
    certificateOf(await enroll('fleet', { subject: `CN=${state}-1` }));
    const { store } = test.gateway.core;
    const device = await store.devices.findByName({ division: 'plant', name: `${state}-1` });
    await store.commit({
      statements: [store.devices.setState({ id: device?.id ?? '', from: 'operational', to: state, at: Date.now() })],
      audit: [],
    });
    await expectRefused(test, await enroll('fleet', { subject: `CN=${state}-1` }), {
      status: 403,
      code: 'forbidden',
      says: state,
    });
  });

  it('takes new devices into no group that is disabled', async () => {
    await applyYaml(test, 'deviceGroups: [{ name: valves, division: plant, enabled: false, policies: [fleet] }]\n');
    await expectRefused(test, await enroll('fleet~valves', { subject: 'CN=valve' }), {
      status: 403,
      code: 'forbidden',
      says: 'no new devices',
    });
  });

  it('refuses compromised keys from a file, which may change', async () => {
    const file = join(test.directory, 'compromised');
    await writeFile(file, '');
    const other = await startTestGateway({ configuration: fleet, settings: { compromisedKeysFile: file } });
    const est = createEstClient(other, { label: 'fleet', passcode: fleetPasscode });
    certificateOf(await est.post('simpleenroll', makeCsr({ key: compromised, subject: 'CN=sound' })));
    await writeFile(file, `${keyFingerprint(spkiOf(compromised))}\n`);
    let answer = await est.post(
      'simpleenroll',
      makeCsr({ key: compromised, subject: 'CN=sound', alternatives: [{ type: 'dns', value: 'n0.example' }] }),
    );
    for (let i = 1; i < 60 && answer.status === 200; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      answer = await est.post(
        'simpleenroll',
        makeCsr({ key: compromised, subject: 'CN=sound', alternatives: [{ type: 'dns', value: `n${i}.example` }] }),
      );
    }
    await expectRefused(other, answer, { status: 400, code: 'unacceptable-key', says: 'known to be compromised' });
    est.close();
    await other.close();
  });
});

describe('the policy engine over EST: intermediate CA certificates', () => {
  beforeAll(async () => {
    await applyYaml(
      test,
      `profiles:
  - name: gateway
    template: basic-intermediate-ca
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [keyCertSign, cRLSign]
    pathLength: 0
    validity: 1y
`,
    );
    await applyYaml(
      test,
      policyLike(
        'gateway',
        'issuingCa: gateways, keyGeneration: [device], profiles: [{ usage: intermediate, profile: gateway }]',
      ),
    );
  });

  it('come from a CA that issues intermediates, with a path length', async () => {
    const certificate = certificateOf(await enroll('gateway', { subject: 'CN=gateway-1' }));
    expect(certificate.ca).toBe(true);
    expect(await recordOf(test, certificate)).toMatchObject({ usage: 'intermediate' });
  });

  it('renew themselves, and open nothing else', async () => {
    const key = newKey();
    const certificate = certificateOf(await enroll('gateway', { key, subject: 'CN=gateway-2' }));
    const identity = { chain: [certificate.raw], privateKey: key.privateKey };
    const est = createEstClient(test, { label: 'gateway', identity });
    const renewed = certificateOf(await est.post('simplereenroll', makeCsr({ key, subject: 'CN=gateway-2' })));
    expect(await recordOf(test, renewed)).toMatchObject({ usage: 'intermediate' });
    const other = await est.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=gateway-3' }));
    await expectRefused(test, other, { status: 400, code: 'rejected-name', says: 'differs' });
    est.close();
  });
});
