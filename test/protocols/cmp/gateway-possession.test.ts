/** Proof of possession of keys that need not sign (RFC 4211 4.2 and 4.3, RFC 9810 5.2.8.3): encrypted certificates, and what proves nothing. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { revokeLapsed } from '../../../src/enrollment/lapse.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { decodeKeyUsage } from '../../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../../src/x509/oids.js';
import { keyFingerprint } from '../../../src/x509/public-key.js';
import type { CmpClient } from '../../support/cmp/client.js';
import { openEncryptedValue } from '../../support/cmp/open-encrypted-value.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import type { PossessionWish } from '../../support/cmp/possession.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { authority, byMac, enrolled } from '../../support/cmp-fleet.js';
import { type KeyUse, later, popFailure, readerKeys, startCmpReaders, version3 } from '../../support/cmp-readers.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { type KeyPair, newKey, rsaKey, spkiOf } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { eventsOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;
let client: CmpClient;

beforeAll(async () => {
  test = await startCmpReaders(clock);
  client = createCmpClient(test, { label: 'readers', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

async function statusOf(key: KeyPair): Promise<string | undefined> {
  const keyFingerprintOf = keyFingerprint(spkiOf(key));
  const found = await test.gateway.core.store.certificates.findByKey({ keyFingerprint: keyFingerprintOf });
  return found.at(-1)?.status;
}

describe('encrCert (RFC 9810 5.2.8.3.2)', () => {
  it.each(readerKeys)('gives the certificate of %s encrypted, and takes its hash as proof', async (_, use, makeKey) => {
    const key = makeKey();
    const outcome = await client.ir({ key, subject: 'CN=reader', possession: later('encrCert', use), ...version3 });
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted' });
    expect(outcome.certificate).toBeUndefined();
    expect(outcome.response?.encryptedCertValue).toBeUndefined();
    const certificate = client.openCertificate(outcome, { privateKey: key.privateKey });
    expect(certificate.publicKey.equals(key.publicKey)).toBe(true);
    const confirmed = await client.confirm(outcome, { certificate, ...version3 });
    expect(confirmed.body?.type).toBe('pkiconf');
  });

  it('is never confirmed implicitly', async () => {
    const key = newKey();
    const possession = later('encrCert', 'keyAgreement');
    const outcome = await client.ir({ key, possession, implicitConfirm: true, ...version3 });
    expect(outcome.isImplicitlyConfirmed).toBe(false);
    const certificate = client.openCertificate(outcome, { privateKey: key.privateKey });
    expect((await client.confirm(outcome, { certificate, ...version3 })).body?.type).toBe('pkiconf');
  });

  it('shows nobody the certificate: it is named by its key alone', async () => {
    const key = newKey();
    const possession = later('encrCert', 'keyAgreement');
    const outcome = await client.ir({ key, possession, ...version3 });
    const certificate = client.openCertificate(outcome, { privateKey: key.privateKey });
    const serialNumber = Buffer.from(certificate.serialNumber, 'hex');
    expect(outcome.answer.body.indexOf(serialNumber)).toBe(-1);
  });

  it('without the right hash in time leaves no certificate', async () => {
    const key = newKey();
    const stranger = await enrolled(test, { label: 'readers' });
    const outcome = await client.ir({ key, possession: later('encrCert', 'keyAgreement'), ...version3 });
    await expectRejected(test, () => client.confirm(outcome, { certificate: stranger.certificate, ...version3 }), {
      failInfo: 'badCertId',
      code: 'malformed-request',
    });
    expect(await statusOf(key)).toBe('valid');
    clock.advance(61);
    await revokeLapsed(test.gateway.core);
    expect(await statusOf(key)).toBe('revoked');
  });

  it('gives the same certificate to a repeated message, encrypted again', async () => {
    const key = newKey();
    const sent = client.makeRequest('ir', { key, possession: later('encrCert', 'keyAgreement'), ...version3 });
    const [first, second] = [await client.send(sent.der), await client.send(sent.der)];
    expect(first.status).toBe(200);
    expect(second.body).not.toEqual(first.body);
    const certificates = await test.gateway.core.store.certificates.findByKey({
      keyFingerprint: keyFingerprint(spkiOf(key)),
    });
    expect(certificates).toHaveLength(1);
    expect(second.body.indexOf(certificates[0]?.der ?? '')).toBe(-1);
  });

  it('works for an approved request, and with the certificate of an update', async () => {
    const manual = createCmpClient(test, { label: 'manual', credential: byMac });
    const key = newKey();
    const possession = later('encrCert', 'keyAgreement');
    const waiting = await manual.ir({ key, subject: 'CN=patient', possession, implicitConfirm: true, ...version3 });
    expect(waiting.pkiStatus).toBe('waiting');
    const { core } = test.gateway;
    const [pending] = await eventsOf(test, 'request.pending');
    await approveRequest(pending?.subject ?? '', by('operator'), core);
    const outcome = await manual.poll(waiting, version3);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, isImplicitlyConfirmed: false });
    const certificate = manual.openCertificate(outcome, { privateKey: key.privateKey });
    expect((await manual.confirm(outcome, { certificate, ...version3 })).body?.type).toBe('pkiconf');
    manual.close();

    const device = await enrolled(test, { label: 'readers' });
    const next = newKey();
    const wish = { key: next, subject: `CN=${device.name}`, credential: device.credential, ...version3 };
    const updated = await client.kur({ ...wish, possession });
    expect(updated.body?.type).toBe('kup');
    const renewed = client.openCertificate(updated, { privateKey: next.privateKey });
    const confirmation = { certificate: renewed, credential: device.credential, ...version3 };
    expect((await client.confirm(updated, confirmation)).body?.type).toBe('pkiconf');
  });

  it.each(readerKeys.filter(([, use]) => use === 'keyAgreement'))(
    'of %s needs version 3, which EnvelopedData came with: badRequest',
    (_, use, makeKey) =>
      expectRejected(test, () => client.ir({ key: makeKey(), possession: later('encrCert', use) }), {
        body: 'ip',
        failInfo: 'badRequest',
        code: 'malformed-request',
        says: 'version 3',
      }),
  );
});

describe('encrCert of an RSA key at version 2, which has EncryptedValue (RFC 4210 5.2.2, RFC 9810 5.2.2)', () => {
  const possession = later('encrCert', 'keyEncipherment');
  const newRsaKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 });

  it.each(['ir', 'cr'] as const)('%s: the certificate is in it alone, and its hash is the proof', async (type) => {
    const key = newRsaKey();
    const outcome = await client[type]({ key, subject: `CN=old-${type}`, possession, implicitConfirm: true });
    expect(outcome).toMatchObject({ pkiStatus: 'accepted', isImplicitlyConfirmed: false });
    expect(outcome.certificate).toBeUndefined();
    expect(outcome.response?.encryptedCert).toBeUndefined();
    expect(outcome.message?.header.pvno).toBe(2);
    const certificate = client.openCertificate(outcome, { privateKey: key.privateKey });
    expect(certificate.publicKey.equals(key.publicKey)).toBe(true);
    expect(outcome.answer.body.indexOf(Buffer.from(certificate.serialNumber, 'hex'))).toBe(-1);
    expect((await client.confirm(outcome, { certificate })).body?.type).toBe('pkiconf');
  });

  it('is of a new key and initialization vector in every answer, one to the same message too', async () => {
    const key = newRsaKey();
    const sent = client.makeRequest('ir', { key, subject: 'CN=old-twice', possession });
    const open = async () => {
      const { body } = readMessage((await client.send(sent.der)).body);
      const [response] = 'responses' in body ? body.responses : [];
      return openEncryptedValue(response?.encryptedCertValue ?? Buffer.alloc(0), key.privateKey);
    };
    const [first, second] = [await open(), await open()];
    expect(second.content).toEqual(first.content);
    expect(second.key).not.toEqual(first.key);
    expect(second.initializationVector).not.toEqual(first.initializationVector);
  });

  it('is refused with another hash (badCertId), and lapses unless it is confirmed', async () => {
    const key = newRsaKey();
    const stranger = await enrolled(test, { label: 'readers' });
    const outcome = await client.ir({ key, subject: 'CN=old-silent', possession });
    await expectRejected(test, () => client.confirm(outcome, { certificate: stranger.certificate }), {
      failInfo: 'badCertId',
      code: 'malformed-request',
    });
    clock.advance(61);
    await revokeLapsed(test.gateway.core);
    expect(await statusOf(key)).toBe('revoked');
  });

  it('comes so after an approval as well, and in an update', async () => {
    const manual = createCmpClient(test, { label: 'manual', credential: byMac });
    const key = newRsaKey();
    const waiting = await manual.ir({ key, subject: 'CN=old-patient', possession });
    const [pending] = await eventsOf(test, 'request.pending');
    await approveRequest(pending?.subject ?? '', by('operator'), test.gateway.core);
    const outcome = await manual.poll(waiting);
    expect(outcome.response?.encryptedCertValue).toBeDefined();
    const certificate = manual.openCertificate(outcome, { privateKey: key.privateKey });
    expect((await manual.confirm(outcome, { certificate })).body?.type).toBe('pkiconf');
    manual.close();

    const { name, credential } = await enrolled(test, { label: 'readers' });
    const next = newRsaKey();
    const updated = await client.kur({ key: next, subject: `CN=${name}`, credential, possession });
    expect(updated.response?.encryptedCertValue).toBeDefined();
    const renewed = client.openCertificate(updated, { privateKey: next.privateKey });
    expect((await client.confirm(updated, { certificate: renewed, credential })).body?.type).toBe('pkiconf');
  });
});

describe('A key that has no such use: badPOP', () => {
  it.each<[string, KeyPair, KeyUse]>([
    ['an RSA key, to agree', rsaKey, 'keyAgreement'],
    ['an EC key, to encipher', newKey(), 'keyEncipherment'],
    ['an Ed25519 key', generateKeyPairSync('ed25519'), 'keyAgreement'],
    ['an RSASSA-PSS key', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }), 'keyEncipherment'],
  ])('%s', (_, key, use) =>
    expectRejected(test, () => client.ir({ key, possession: later('encrCert', use), ...version3 }), {
      body: 'ip',
      ...popFailure,
    }),
  );
});

describe('X25519 and X448 keys', () => {
  it('are certified for key agreement alone', async () => {
    const key = generateKeyPairSync('x25519');
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await client.ir({ key, subject: 'CN=reader', possession, implicitConfirm: true, ...version3 });
    const certificate = issuedBy(await client.answerChallenges(popdecc, key.privateKey, version3));
    const usage = decodeCertificate(certificate.raw).extensions.find(({ id }) => id === idCeKeyUsage)?.value;
    expect(usage && decodeKeyUsage(usage)).toEqual(['keyAgreement']);
  });

  it('of small order are no keys: badCertTemplate', () => {
    const spki = spkiOf(generateKeyPairSync('x25519'));
    spki.fill(0, spki.length - 32);
    const possession = later('encrCert', 'keyAgreement');
    const template = { publicKey: spki };
    return expectRejected(test, () => client.ir({ key: newKey(), possession, template, ...version3 }), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'unacceptable-key',
    });
  });

  it('are for templates that name them: badCertTemplate', async () => {
    const others = createCmpClient(test, { label: 'cmp', credential: byMac });
    const key = generateKeyPairSync('x448');
    const possession = later('encrCert', 'keyAgreement');
    await expectRejected(test, () => others.ir({ key, possession, ...version3 }), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'unacceptable-key',
    });
    others.close();
  });
});

describe('raVerified (RFC 9810 5.2.8.4)', () => {
  const beside = spkiOf(newKey());
  beside[beside.length - 1] = (beside.at(-1) ?? 0) ^ 1;
  const small = spkiOf(generateKeyPairSync('x25519'));
  small.fill(0, small.length - 32);

  it.each([
    ['a point beside its curve', beside],
    ['an X25519 point of small order', small],
  ])('vouches for possession, not for what is no key: %s is badCertTemplate', async (_, publicKey) => {
    const byAuthority = createCmpClient(test, { label: 'readers', credential: authority });
    const wish = { subject: 'CN=reader', possession: { kind: 'raVerified' }, template: { publicKey } } as const;
    await expectRejected(test, () => byAuthority.ir({ key: newKey(), ...wish }), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'unacceptable-key',
    });
    byAuthority.close();
  });
});

describe('A proof that the gateway does not take: badPOP', () => {
  it.each<[string, PossessionWish]>([
    ['thisMessage', { kind: 'thisMessage', use: 'keyAgreement', bits: Buffer.from('private') }],
    ['dhMAC', { kind: 'dhMac', use: 'keyAgreement', bits: Buffer.alloc(20) }],
  ])('%s, which is deprecated', (_, possession) =>
    expectRejected(test, () => client.ir({ key: newKey(), possession, ...version3 }), { body: 'ip', ...popFailure }),
  );
});
