/** Proof of possession of keys that need not sign (RFC 4211 4.2 and 4.3, RFC 9810 5.2.8.3): encrypted certificates, challenges. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { revokeLapsed } from '../../../src/enrollment/lapse.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { decodeKeyUsage } from '../../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../../src/x509/oids.js';
import { keyFingerprint } from '../../../src/x509/public-key.js';
import { challengeAnswers } from '../../support/cmp/bodies.js';
import { answersTo } from '../../support/cmp/challenges.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { type CmpOutcome, issuedBy, outcomeOf } from '../../support/cmp/outcome.js';
import type { PossessionWish } from '../../support/cmp/possession.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { type KeyPair, newKey, rsaKey, spkiOf } from '../../support/make-csr.js';
import { countRecords, eventsOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
const p384 = () => generateKeyPairSync('ec', { namedCurve: 'P-384' });
const version3 = { header: { pvno: 3 } };
const popFailure = { failInfo: 'badPOP', code: 'invalid-proof-of-possession' } as const;

const profiles = `
templates:
  - name: reader
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384] }, x25519: true, x448: true }
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: reader
    template: reader
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    validity: 90d
`;

let test: TestGateway;
let client: CmpClient;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, profiles);
  const own = 'profiles: [{ usage: operational, profile: reader }]';
  await applyYaml(test, cmpPolicy('readers', 'keyReuse: true, confirmWait: 60s', own));
  await applyYaml(test, cmpPolicy('manual', '', 'approval: manual'));
  await applyYaml(test, cmpPolicy('picky', '', 'limits: { certificates: 1 }'));
  client = createCmpClient(test, { label: 'readers', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

type Use = 'keyEncipherment' | 'keyAgreement';

function later(message: 'encrCert' | 'challengeResp', use: Use): PossessionWish {
  return { kind: 'subsequent', use, message };
}

async function statusOf(key: KeyPair): Promise<string | undefined> {
  const keyFingerprintOf = keyFingerprint(spkiOf(key));
  const found = await test.gateway.core.store.certificates.findByKey({ keyFingerprint: keyFingerprintOf });
  return found.at(-1)?.status;
}

const kinds: readonly [string, Use, () => KeyPair][] = [
  ['an RSA key', 'keyEncipherment', () => rsaKey],
  ['a P-256 key', 'keyAgreement', newKey],
  ['a P-384 key', 'keyAgreement', p384],
  ['an X25519 key', 'keyAgreement', () => generateKeyPairSync('x25519')],
  ['an X448 key', 'keyAgreement', () => generateKeyPairSync('x448')],
];

describe('encrCert (RFC 9810 5.2.8.3.2)', () => {
  it.each(kinds)('gives the certificate of %s encrypted, and takes its hash as proof', async (_, use, makeKey) => {
    const key = makeKey();
    const outcome = await client.ir({ key, subject: 'CN=reader', possession: later('encrCert', use), ...version3 });
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted' });
    expect(outcome.certificate).toBeUndefined();
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
    await approveRequest(pending?.subject ?? '', 'operator', core);
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

  it('needs version 3, which EnvelopedData came with: badRequest', () =>
    expectRejected(test, () => client.ir({ key: newKey(), possession: later('encrCert', 'keyAgreement') }), {
      body: 'ip',
      failInfo: 'badRequest',
      code: 'malformed-request',
    }));
});

describe('challengeResp (RFC 9810 5.2.8.3.3)', () => {
  async function challenged(key: KeyPair, use: Use, wish: Partial<EnrollWish> = version3): Promise<CmpOutcome> {
    return await client.ir({ key, subject: 'CN=reader', possession: later('challengeResp', use), ...wish });
  }

  it.each(kinds)('gives %s a number to read, and a certificate to who has read it', async (_, use, makeKey) => {
    const key = makeKey();
    const before = await countRecords(test);
    const popdecc = await challenged(key, use);
    expect(popdecc.body).toMatchObject({ type: 'popdecc', challenges: [{ challenge: Buffer.alloc(0) }] });
    expect(await countRecords(test)).toEqual(before);
    const outcome = await client.answerChallenges(popdecc, key.privateKey, version3);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted', isImplicitlyConfirmed: false });
    expect(issuedBy(outcome).publicKey.equals(key.publicKey)).toBe(true);
    expect((await client.confirm(outcome, version3)).body?.type).toBe('pkiconf');
  });

  it('of version 2 encrypts the number itself to an RSA key', async () => {
    const popdecc = await challenged(rsaKey, 'keyEncipherment', {});
    expect(popdecc.body).not.toHaveProperty('challenges.0.encryptedRand');
    const outcome = await client.answerChallenges(popdecc, rsaKey.privateKey);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted' });
  });

  it('of version 2 has no way to encrypt to an EC key: badRequest', () =>
    expectRejected(test, () => challenged(newKey(), 'keyAgreement', {}), {
      body: 'ip',
      failInfo: 'badRequest',
      code: 'malformed-request',
    }));

  it('keeps the implicit confirmation that the first message asked for', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement', { implicitConfirm: true, ...version3 });
    const outcome = await client.answerChallenges(popdecc, key.privateKey, version3);
    expect(outcome.isImplicitlyConfirmed).toBe(true);
  });

  it('of an update, signed', async () => {
    const { name, credential } = await enrolled(test, { label: 'readers' });
    const key = newKey();
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await client.kur({ key, subject: `CN=${name}`, possession, credential, ...version3 });
    const outcome = await client.answerChallenges(popdecc, key.privateKey, { credential, ...version3 });
    expect(outcome.body?.type).toBe('kup');
    expect((await client.confirm(outcome, { credential, ...version3 })).body?.type).toBe('pkiconf');
  });

  it('has one attempt: after a wrong answer the right one is none', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement');
    const wrong = challengeAnswers(Buffer.alloc(16, 7));
    const first = await expectRejected(
      test,
      () => client.exchange('popdecr', wrong, { previous: popdecc, ...version3 }),
      popFailure,
    );
    const right = challengeAnswers(...answersTo(popdecc, key.privateKey));
    await expectRejected(test, () => client.exchange('popdecr', right, { previous: first, ...version3 }), {
      failInfo: 'badRequest',
      code: 'invalid-state',
    });
  });

  it.each([
    ['none', []],
    ['two answers', [Buffer.alloc(16, 7), Buffer.alloc(16, 7)]],
  ])('takes %s for one wrong answer', async (_, numbers) => {
    const popdecc = await challenged(newKey(), 'keyAgreement');
    const content = challengeAnswers(...numbers);
    await expectRejected(
      test,
      () => client.exchange('popdecr', content, { previous: popdecc, ...version3 }),
      popFailure,
    );
  });

  it('is to be answered in time', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement');
    clock.advance(61);
    await expectRejected(test, () => client.answerChallenges(popdecc, key.privateKey, version3), {
      failInfo: 'badRequest',
      code: 'invalid-state',
      says: 'in time',
    });
  });

  it('is answered once: a second popdecr finds nothing that waits for it', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement');
    const right = challengeAnswers(...answersTo(popdecc, key.privateKey));
    const outcome = await client.exchange('popdecr', right, { previous: popdecc, ...version3 });
    expect(outcome.body?.type).toBe('ip');
    await expectRejected(test, () => client.exchange('popdecr', right, { previous: outcome, ...version3 }), {
      failInfo: 'badRequest',
      code: 'invalid-state',
    });
  });

  it('is for who began the operation alone', async () => {
    const key = newKey();
    const { credential } = await enrolled(test, { label: 'readers' });
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await client.cr({ key, possession, credential, ...version3 });
    const other = await enrolled(test, { label: 'readers' });
    await expectRejected(
      test,
      () => client.answerChallenges(popdecc, key.privateKey, { credential: other.credential, ...version3 }),
      { failInfo: 'badRequest', code: 'forbidden' },
    );
    await expectRejected(test, () => client.answerChallenges(popdecc, key.privateKey, version3), {
      failInfo: 'wrongIntegrity',
      code: 'forbidden',
    });
  });

  it('answers a repeated request by the same number', async () => {
    const key = newKey();
    const sent = client.makeRequest('ir', { key, possession: later('challengeResp', 'keyAgreement'), ...version3 });
    const numbers: Uint8Array[][] = [];
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(sent.der);
      const message = readMessage(answer.body);
      numbers.push(answersTo(outcomeOf({ sent, earlier: [], certReqId: 0, answer, message }), key.privateKey));
    }
    expect(numbers[1]).toEqual(numbers[0]);
  });

  it('gives two copies of a request the same number', async () => {
    const key = newKey();
    const sent = client.makeRequest('ir', { key, possession: later('challengeResp', 'keyAgreement'), ...version3 });
    const answers = await Promise.all([client.send(sent.der), client.send(sent.der)]);
    const [first, second] = answers.map((answer) => {
      const message = readMessage(answer.body);
      return answersTo(outcomeOf({ sent, earlier: [], certReqId: 0, answer, message }), key.privateKey);
    });
    expect(second).toEqual(first);
  });

  it('ends with the refusal of what was asked for', async () => {
    const picky = createCmpClient(test, { label: 'picky', credential: byMac });
    await picky.issue('ir', { key: newKey(), subject: 'CN=only one' });
    const key = newKey();
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await picky.ir({ key, subject: 'CN=second', possession, ...version3 });
    const refused = await expectRejected(test, () => picky.answerChallenges(popdecc, key.privateKey, version3), {
      body: 'ip',
      failInfo: 'notAuthorized',
      code: 'forbidden',
    });
    await expectRejected(test, () => picky.confirm(refused, { statuses: [], ...version3 }), {
      failInfo: 'certConfirmed',
      code: 'already-confirmed',
    });
    picky.close();
  });
});

describe('A key that has no such use: badPOP', () => {
  it.each<[string, KeyPair, Use]>([
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

describe('A proof that the gateway does not take: badPOP', () => {
  it.each<[string, PossessionWish]>([
    ['thisMessage', { kind: 'thisMessage', use: 'keyAgreement', bits: Buffer.from('private') }],
    ['dhMAC', { kind: 'dhMac', use: 'keyAgreement', bits: Buffer.alloc(20) }],
  ])('%s, which is deprecated', (_, possession) =>
    expectRejected(test, () => client.ir({ key: newKey(), possession, ...version3 }), { body: 'ip', ...popFailure }),
  );
});
