import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ia5String, printableString, tlv } from '../../../src/x509/der-writer.js';
import { pkcs9AtChallengePassword } from '../../../src/x509/oids.js';
import { createEstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey, rsaKey } from '../../support/make-csr.js';
import { countRecords, eventOf, eventsOf, expectRefused, recordOf } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient } from '../../support/scep-client.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let scep: ScepClient;
let limited: ScepClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startTestGateway({
    configuration: fleet,
    clock,
    settings: { failedAuthenticationsPerMinute: '12' },
  });
  await applyYaml(test, policyLike('limited', 'limits: { perMinute: 1 }'));
  scep = createScepClient(test, { label: 'fleet' });
  limited = createScepClient(test, { label: 'limited' });
});
afterAll(async () => {
  scep.close();
  limited.close();
  await test.close();
});

const secretRefusal = { failInfo: 'badRequest', code: 'bad-secret' } as const;

describe('SCEP PKCSReq (RFC 8894 3.3.1)', () => {
  it.each(['POST', 'GET'] as const)('by %s is answered with a certificate for key and names', async (method) => {
    const key = newKey();
    const subject = `CN=by-${method},O=Plant`;
    const alternatives = [{ type: 'dns', value: `${method.toLowerCase()}.example` }] as const;
    const outcome = await scep.enroll({ key, subject, alternatives, challenge: fleetPasscode, method });
    const certificate = issuedBy(outcome);
    expect(certificate.subject).toBe(`O=Plant\nCN=by-${method}`);
    expect(certificate.subjectAltName).toBe(`DNS:${method.toLowerCase()}.example`);
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
    expect(outcome.reply).toMatchObject({ pkiStatus: 'SUCCESS', signer: { isValid: true, digest: 'sha256' } });
    expect(outcome.reply?.senderNonce).toMatch(/^[0-9a-f]{32}$/);
    expect(outcome.answer.headers['cache-control']).toBe('no-store');
    const record = await recordOf(test, certificate);
    expect(record).toMatchObject({ protocol: 'scep', policy: 'fleet', usage: 'operational', status: 'valid' });
    expect(await eventOf(test, outcome.answer)).toMatchObject({ action: 'certificate.issued', subject: record.id });
  });

  it('may come without operation, and with another content type', async () => {
    const message = await scep.makeRequest({ key: newKey(), subject: 'CN=plain-post', challenge: fleetPasscode });
    expect((await scep.post('', message)).headers['content-type']).toBe('application/x-pki-message');
  });

  it('leaves the challenge nowhere in the audit log', async () => {
    issuedBy(await scep.enroll({ key: newKey(), subject: 'CN=discreet', challenge: fleetPasscode }));
    await scep.enroll({ key: newKey(), subject: 'CN=indiscreet', challenge: 'a-wrong-passcode' });
    for (const action of ['certificate.issued', 'request.refused']) {
      for (const { content } of await eventsOf(test, action))
        expect(content).not.toMatch(/a-wrong-passcode|fleet-passcode/);
    }
  });
});

describe('the message of a GET, as clients send it', () => {
  const escapePadding = (base64: string) => base64.replaceAll('=', '%3D');
  it.each<[string, (base64: string) => string]>([
    ['wholly escaped', (base64) => encodeURIComponent(base64)],
    ['with + as such and the padding escaped (macOS, jscep)', escapePadding],
    ['not escaped at all', (base64) => base64],
    ['escaped twice', (base64) => encodeURIComponent(encodeURIComponent(base64))],
    ['with blanks for + (a proxy)', (base64) => escapePadding(base64.replaceAll('+', '%20'))],
    ['in lines (sscep, Cisco IOS)', (base64) => encodeURIComponent(base64.replace(/.{64}/g, '$&\r\n'))],
    ['base64url without padding (micromdm)', (base64) => Buffer.from(base64, 'base64').toString('base64url')],
    ['with a broken escape at its end', (base64) => `${base64.replace(/=+$/, '')}%3`],
    ['in quotes', (base64) => `%22${encodeURIComponent(base64)}%22`],
  ])('is taken %s', async (what, write) => {
    const key = newKey();
    const wish = { key, subject: `CN=GET ${what.replace(/[^A-Za-z0-9 ]/g, ' ')}`, challenge: fleetPasscode };
    const message = Buffer.from(await scep.makeRequest(wish)).toString('base64');
    const before = await countRecords(test);
    const answer = await scep.get(`operation=PKIOperation&message=${write(message)}`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/x-pki-message']);
    expect(await countRecords(test)).toEqual({
      certificates: before.certificates + 1,
      devices: before.devices + 1,
      transactions: before.transactions + 1,
    });
    expect(issuedBy(await scep.enroll(wish)).checkPrivateKey(key.privateKey)).toBe(true);
  });

  it.each(['', 'message=', 'message=%', 'message=A', 'message=AAAA%00', 'message=%F0%9F%98%80', 'message=AA=A'])(
    'is refused with 400 where it is "%s"',
    async (query) => {
      const answer = await scep.get(`operation=PKIOperation&${query}`);
      await expectRefused(test, answer, { status: 400, code: 'malformed-request' });
    },
  );
});

describe('the challengePassword (RFC 8894 2.4)', () => {
  it.each([
    ['PrintableString', printableString],
    ['IA5String', ia5String],
    ['T61String', (text: string) => tlv(0x14, Buffer.from(text, 'latin1'))],
    ['BMPString', (text: string) => tlv(0x1e, Buffer.from(text, 'utf16le').swap16())],
  ])('may be a %s', async (type, encode) => {
    const key = newKey();
    const subject = `CN=${type}`;
    const csr = makeCsr({ key, subject, attributes: [[pkcs9AtChallengePassword, encode(fleetPasscode)]] });
    issuedBy(await scep.enroll({ key, subject, csr }));
  });

  it.each([
    ['missing', {}],
    ['empty', { challenge: '' }],
    ['wrong', { challenge: 'fleet-passcodf' }],
    ['cut', { challenge: 'fleet-passcod' }],
    ['longer', { challenge: 'fleet-passcode ' }],
  ])('is refused where it is %s, and nothing is issued', async (what, challenge) => {
    const before = await countRecords(test);
    await expectFailure(test, await scep.enroll({ key: newKey(), subject: `CN=${what}`, ...challenge }), secretRefusal);
    expect(await countRecords(test)).toEqual(before);
    clock.advance(61);
  });

  it('opens as many enrollments as it has uses', async () => {
    const challenge = await makePasscode(test, { usageLimit: 2 });
    for (const name of ['uses-1', 'uses-2']) {
      issuedBy(await scep.enroll({ key: newKey(), subject: `CN=${name}`, challenge }));
    }
    const before = await countRecords(test);
    await expectFailure(test, await scep.enroll({ key: newKey(), subject: 'CN=uses-3', challenge }), secretRefusal);
    expect(await countRecords(test)).toEqual(before);
  });

  it('of a device opens for this one alone', async () => {
    const challenge = await makePasscode(test, { device: 'pump-17' });
    const before = await countRecords(test);
    await expectFailure(test, await scep.enroll({ key: newKey(), subject: 'CN=pump-18', challenge }), {
      failInfo: 'badRequest',
      code: 'rejected-name',
    });
    expect(await countRecords(test)).toEqual(before);
    issuedBy(await scep.enroll({ key: newKey(), subject: 'CN=pump-17', challenge }));
  });

  it('that has a user name opens by itself, where EST wants both', async () => {
    const challenge = await makePasscode(test, { username: 'alice' });
    issuedBy(await scep.enroll({ key: newKey(), subject: 'CN=of-alice', challenge }));
    const est = createEstClient(test, { label: 'fleet', passcode: challenge });
    const csr = makeCsr({ key: newKey(), subject: 'CN=of-somebody' });
    await expectRefused(test, await est.post('simpleenroll', csr), { status: 401, code: 'bad-secret' });
    est.close();
  });

  it('no longer opens when it has expired', async () => {
    const challenge = await makePasscode(test, { expiresInSeconds: 60 });
    issuedBy(await scep.enroll({ key: newKey(), subject: 'CN=in-time', challenge }));
    clock.advance(61);
    await expectFailure(test, await scep.enroll({ key: newKey(), subject: 'CN=late', challenge }), secretRefusal);
  });

  it('is refused in the same words when it is wrong and when it has expired, so that guessing learns nothing', async () => {
    const expired = await makePasscode(test, { expiresInSeconds: 1 });
    clock.advance(2);
    const outcomes = await Promise.all(
      ['wrong-passcode', expired].map((challenge) => scep.enroll({ key: newKey(), subject: 'CN=guess', challenge })),
    );
    for (const outcome of outcomes) await expectFailure(test, outcome, secretRefusal);
    expect(new Set(outcomes.map(({ reply }) => reply?.failInfoText)).size).toBe(1);
  });
});

describe('the names and keys of a PKCSReq', () => {
  it.each([
    ['a name that the profile does not have', { subject: 'CN=named,L=Somewhere' }, 'rejected-name'],
    ['a name that its pattern does not admit', { subject: 'CN=not_allowed' }, 'rejected-name'],
    ['no name', { subject: 'O=Plant' }, 'rejected-name'],
  ] as const)('are refused for %s', async (_, wish, code) => {
    const before = await countRecords(test);
    const outcome = await scep.enroll({ key: newKey(), challenge: fleetPasscode, ...wish });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code });
    expect(await countRecords(test)).toEqual(before);
  });

  it("are refused for another device's key", async () => {
    const key = newKey();
    issuedBy(await scep.enroll({ key, subject: 'CN=owner', challenge: fleetPasscode }));
    const outcome = await scep.enroll({ key, subject: 'CN=thief', challenge: fleetPasscode });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'unacceptable-key', says: 'another device' });
  });

  it('must be of the key that signs a message with a self-signed certificate', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=stolen-request', challengePassword: fleetPasscode });
    const before = await countRecords(test);
    await expectFailure(test, await scep.enroll({ key: newKey(), csr }), {
      failInfo: 'badRequest',
      code: 'invalid-proof-of-possession',
      says: 'another key',
    });
    expect(await countRecords(test)).toEqual(before);
  });
});

describe('too many requests', () => {
  it('of a policy are answered with 429 and Retry-After, so that the client tries again', async () => {
    const wish = { key: rsaKey, subject: 'CN=patient', challenge: fleetPasscode };
    issuedBy(await limited.enroll({ ...wish, transactionId: 'first' }));
    const { answer } = await limited.enroll({ ...wish, transactionId: 'second' });
    await expectRefused(test, answer, { status: 429, code: 'rate-limited', says: 'try again' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    clock.advance(61);
    issuedBy(await limited.enroll({ ...wish, transactionId: 'second' }));
  });

  it('with wrong challenges make the address wait, also with the right one', async () => {
    clock.advance(61);
    const wish = { key: rsaKey, subject: 'CN=guesser' };
    for (let i = 0; i < 12; i++) {
      const outcome = await scep.enroll({ ...wish, challenge: `guess-${i}`, transactionId: `guess-${i}` });
      await expectFailure(test, outcome, secretRefusal);
    }
    const { answer } = await scep.enroll({ ...wish, challenge: fleetPasscode, transactionId: 'right' });
    await expectRefused(test, answer, { status: 429, code: 'rate-limited' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    clock.advance(61);
    issuedBy(await scep.enroll({ key: newKey(), subject: 'CN=knower', challenge: fleetPasscode }));
  });
});
