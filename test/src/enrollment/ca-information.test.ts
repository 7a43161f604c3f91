/** What CMP clients ask about the CA (RFC 9483 4.3), and what its messages are protected with, as the core gives them. */
import { diffieHellman, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import type { ProtocolServices } from '../../../src/protocol.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { decodeKeyUsage } from '../../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../../src/x509/oids.js';
import { openPartitions } from '../../support/crls.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { newKey, spkiOf } from '../../support/make-csr.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
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
  services = createProtocolServices(core, createServiceKeys(core), test.settings);
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

describe('The CMP signers of two policies of one CA', () => {
  // As long as a label may be: more than a common name has room for.
  const long = 'a-policy-whose-name-is-as-long-as-names-may-be-'.padEnd(63, 'x');

  it('are two, each with the name of its policy and a chain up to the root', async () => {
    for (const name of ['second', long, `${long.slice(0, -1)}y`]) await applyYaml(test, policyLike(name));
    const { authority } = test.gateway.core;
    const [issuing = new Uint8Array(), root = new Uint8Array()] = authority.chain('devices-1');
    const fingerprints = new Set<string>();
    for (const label of ['fleet', 'fleet~valves', 'second', long, `${long.slice(0, -1)}y`]) {
      const { certificate, chain } = await services.messageKey('cmp', label);
      expect(chain).toEqual([issuing, root]);
      expect(opensslAccepts([root, issuing, certificate], [])).toBe(true);
      const { subject, fingerprint256 } = new X509Certificate(certificate);
      const [policy = ''] = label.split('~');
      expect(subject).toBe(policy === label && label.length > 60 ? subject : `CN=CMP ${policy}`);
      expect(subject.length).toBeLessThanOrEqual('CN='.length + 64);
      fingerprints.add(fingerprint256);
    }
    expect(fingerprints.size).toBe(4);
  });

  it('agree on secrets with the key that the certificate has', async () => {
    const own = newKey();
    const secrets = new Set<string>();
    for (const label of ['fleet', 'second']) {
      const { certificate } = await services.messageKey('cmp', label);
      const { publicKey } = new X509Certificate(certificate);
      const expected = diffieHellman({ privateKey: own.privateKey, publicKey });
      expect(await services.agree('cmp', label, spkiOf(own))).toEqual(expected);
      secrets.add(expected.toString('hex'));
    }
    expect(secrets.size).toBe(2);
  });
});

describe('The current CRL', () => {
  const find = (generation: string) => readCrl(generation, 0);

  it('is that of the issuing CA, of a distribution point or of an issuer', async () => {
    const url = `${test.settings.publicHttpUrl}/crl/root-1/0.crl`;
    const { certificate } = test.gateway.core.authority.generation('root-1') ?? {};
    expect(await services.currentCrl('fleet')).toEqual(await find('devices-1'));
    expect(await services.crls('fleet', { url })).toEqual([await find('root-1')]);
    const issuer = certificate?.subject ?? new Uint8Array();
    expect(await services.crls(undefined, { issuer })).toEqual([await find('root-1')]);
  });

  it.each([
    'http://elsewhere.example/crl/root-1/0.crl',
    'http://localhost/crl/root-1/0.crl?x',
    '/crl/root-1/0.crl',
    'ldap://x',
  ])('is not that of %s', async (url) => {
    await expect(services.crls('fleet', { url })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is not that of another hierarchy', async () => {
    const url = `${test.settings.publicHttpUrl}/crl/rsa-ca-1/0.crl`;
    await services.crls('rsa-ca', { url });
    await expect(services.crls('fleet', { url })).rejects.toMatchObject({ code: 'not-found' });
    const { certificate } = test.gateway.core.authority.generation('rsa-ca-1') ?? {};
    const issuer = certificate?.subject ?? new Uint8Array();
    await expect(services.crls('fleet', { issuer })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('The CRL of a CA that has it in partitions', () => {
  const ca =
    'certificateAuthorities: [{ name: parted, parent: root, subject: "CN=Parted,O=Plant", key: ec-p256, validity: 10y }]';
  const all = (count: number) => Promise.all(Array.from({ length: count }, (_, number) => readCrl('parted-1', number)));

  it('is all of them by its issuer, one by its distribution point, and the first one where there is room for one', async () => {
    await applyYaml(test, ca);
    await applyYaml(test, policyLike('parted', 'methods: [cmp], issuingCa: parted'));
    const { certificate } = test.gateway.core.authority.generation('parted-1') ?? {};
    const issuer = certificate?.subject ?? new Uint8Array();
    await expect(services.crls('parted', { issuer })).rejects.toMatchObject({ code: 'unavailable' });
    await openPartitions(test, 'parted-1', 3);
    await test.gateway.core.crls.publishDue();
    const crls = await all(3);
    expect(new Set(crls.map((der) => Buffer.from(der).toString('hex'))).size).toBe(3);
    expect(await services.crls('parted', { issuer })).toEqual(crls);
    const url = `${test.settings.publicHttpUrl}/crl/parted-1/2.crl`;
    expect(await services.crls('parted', { url })).toEqual(crls.slice(2));
    expect(await services.currentCrl('parted')).toEqual(crls[0]);
  });

  it('is to be asked for by distribution point when they are too many for an answer', async () => {
    await openPartitions(test, 'parted-1', 65);
    await test.gateway.core.crls.publishDue();
    const { certificate } = test.gateway.core.authority.generation('parted-1') ?? {};
    const issuer = certificate?.subject ?? new Uint8Array();
    await expect(services.crls('parted', { issuer })).rejects.toMatchObject({ code: 'not-found' });
    const url = `${test.settings.publicHttpUrl}/crl/parted-1/64.crl`;
    expect(await services.crls('parted', { url })).toEqual([await readCrl('parted-1', 64)]);
  });
});

async function readCrl(generation: string, partition: number): Promise<Uint8Array> {
  const { der = new Uint8Array() } = await services.crl({ generation, partition, isKnown: () => false });
  return der;
}

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
