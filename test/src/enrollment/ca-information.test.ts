/** What CMP clients ask about the CA (RFC 9483 4.3), and what its messages are protected with, as the core gives them. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import type { ProtocolServices } from '../../../src/protocol.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeKeyUsage } from '../../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../../src/x509/oids.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;
let services: ProtocolServices;

const authorities = `
certificateAuthorities:
  - { name: rsa-ca, subject: "CN=RSA,O=Plant", key: rsa-2048, validity: 10y }
  - { name: edwards-ca, subject: "CN=Edwards,O=Plant", key: ed25519, validity: 10y }
`;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, authorities);
  for (const ca of ['rsa-ca', 'edwards-ca']) await applyYaml(test, policyLike(ca, `methods: [cmp], issuingCa: ${ca}`));
  const { core } = test.gateway;
  await core.crls.publishDue();
  services = createProtocolServices(core, createServiceKeys(core));
});
afterAll(() => test.close());

describe('The CMP signer of a policy', () => {
  it.each([
    ['fleet', 'ec', ['digitalSignature', 'keyAgreement']],
    ['rsa-ca', 'rsa', ['digitalSignature']],
    ['edwards-ca', 'ed25519', ['digitalSignature']],
  ])('of %s has a key of its CA’s kind: %s', async (label, algorithm, usages) => {
    const key = await services.messageKey('cmp', label);
    expect(key.algorithm).toBe(algorithm);
    const certificate = decodeCertificate(key.certificate);
    expect(decodeKeyUsage(extension(certificate, idCeKeyUsage) ?? new Uint8Array())).toEqual(usages);
    // id-kp-cmcCA and id-kp-cmcRA
    expect(new X509Certificate(key.certificate).keyUsage).toEqual(['1.3.6.1.5.5.7.3.27', '1.3.6.1.5.5.7.3.28']);
    expect((await services.messageKey('cmp', label)).certificate).toEqual(key.certificate);
  });
});

describe('The current CRL', () => {
  const find = (generation: string) => services.crl(generation, 0).then(({ der }) => der);

  it('is that of the issuing CA, of a distribution point or of an issuer', async () => {
    const url = `${test.settings.publicHttpUrl}/crl/root-1/0.crl`;
    const { certificate } = test.gateway.core.authority.generation('root-1') ?? {};
    expect(await services.currentCrl('fleet')).toEqual(await find('devices-1'));
    expect(await services.currentCrl('fleet', { url })).toEqual(await find('root-1'));
    expect(await services.currentCrl(undefined, { issuer: certificate?.subject ?? new Uint8Array() })).toEqual(
      await find('root-1'),
    );
  });

  it.each([
    'http://elsewhere.example/crl/root-1/0.crl',
    'http://localhost/crl/root-1/0.crl?x',
    '/crl/root-1/0.crl',
    'ldap://x',
  ])('is not that of %s', async (url) => {
    await expect(services.currentCrl('fleet', { url })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is not that of another hierarchy', async () => {
    const url = `${test.settings.publicHttpUrl}/crl/rsa-ca-1/0.crl`;
    await services.currentCrl('rsa-ca', { url });
    await expect(services.currentCrl('fleet', { url })).rejects.toMatchObject({ code: 'not-found' });
    const { certificate } = test.gateway.core.authority.generation('rsa-ca-1') ?? {};
    const issuer = certificate?.subject ?? new Uint8Array();
    await expect(services.currentCrl('fleet', { issuer })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('The update of a root CA (RFC 9810 5.3.19.15)', () => {
  it('is none as long as none is staged', async () => {
    expect(await services.rootUpdate('fleet')).toBeUndefined();
  });

  it('is the next root, and what leads to it from the old one and back', async () => {
    const { authority, store } = test.gateway.core;
    await applyYaml(
      test,
      'certificateAuthorities: [{ name: root, subject: "CN=Root,O=Plant", key: ec-p384, validity: 20y, stageNextGeneration: true }]',
    );
    const [old = new Uint8Array(), next] = [1, 2].map(
      (number) => authority.generation(`root-${number}`)?.certificate.der,
    );
    const update = await services.rootUpdate('fleet');
    if (update === undefined) throw new Error('no update');
    expect(update.newWithNew).toEqual(next);
    const [before, after] = [new X509Certificate(old), new X509Certificate(update.newWithNew)];
    const [newWithOld, oldWithNew] = [new X509Certificate(update.newWithOld), new X509Certificate(update.oldWithNew)];
    expect(newWithOld.publicKey.equals(after.publicKey) && newWithOld.verify(before.publicKey)).toBe(true);
    expect(oldWithNew.publicKey.equals(before.publicKey) && oldWithNew.verify(after.publicKey)).toBe(true);
    expect([newWithOld.ca, oldWithNew.ca]).toEqual([true, true]);
    expect([newWithOld.validTo, oldWithNew.validTo]).toEqual([before.validTo, before.validTo]);
    expect(await services.rootUpdate('fleet', old)).toEqual(update);
    expect(await services.rootUpdate('fleet', update.newWithNew)).toBeUndefined();
    expect(await services.rootUpdate('rsa-ca', old)).toBeUndefined();
    // It is made once, and is on record.
    await test.gateway.core.ensureCas();
    expect(await services.rootUpdate('fleet')).toEqual(update);
    const { serialNumber } = decodeCertificate(update.newWithOld);
    expect(await store.certificates.findByIssuerAndSerial('root-1', serialNumber)).toMatchObject({ usage: 'service' });
  });
});
