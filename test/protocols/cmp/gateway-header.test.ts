import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Tag } from '../../../src/x509/der.js';
import {
  generalizedTime,
  nullValue,
  octetString,
  sequence,
  smallInteger,
  tlv,
  utf8String,
} from '../../../src/x509/der-writer.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { certProfile, implicitConfirm } from '../../support/cmp/header.js';
import type { BodyType, FailInfo } from '../../support/cmp/identifiers.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, type CmpDevice, cmpPolicy, enrolled, signedBy, startCmpFleet } from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
let device: CmpDevice;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('timeless', 'requireMessageTime: false'));
  await applyYaml(test, cmpPolicy('strict', 'clockTolerance: 10s'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  device = await enrolled(test, { name: 'signer' });
});
afterAll(async () => {
  client.close();
  await test.close();
});

const stranger = createManufacturer('Stranger').device('O=Stranger,CN=signer');
const malformed = 'malformed-request';
const ago = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000);
const originals = { type: 'origPKIMessage', value: sequence() };
const waitTime = (value: Uint8Array) => ({ type: 'confirmWaitTime', value });

/** What is wrong, how it is made, and what comes of it. */
type Wrong = readonly [
  what: string,
  failInfo: FailInfo,
  wish: () => Omit<EnrollWish, 'key'>,
  more?: Partial<CmpRefusal>,
];

const badTime: Partial<CmpRefusal> = { code: 'stale-message', says: 'messageTime' };

const wrong: readonly Wrong[] = [
  ['pvno 1', 'unsupportedVersion', () => ({ header: { pvno: 1 }, unchecked: ['protectionKind'] }), { says: 'version' }],
  ['pvno 4', 'unsupportedVersion', () => ({ header: { pvno: 4 }, unchecked: ['protectionKind'] }), { says: 'version' }],
  ['no transactionID', 'badDataFormat', () => ({ omit: ['transactionId'] }), { says: 'transactionID' }],
  ['a transactionID of 8 octets', 'badRequest', () => ({ header: { transactionId: randomBytes(8) } }), { says: '16' }],
  ['a transactionID of 17', 'badRequest', () => ({ header: { transactionId: randomBytes(17) } }), { says: '16' }],
  ['no senderNonce', 'badSenderNonce', () => ({ omit: ['senderNonce'] }), { says: 'senderNonce' }],
  ['a senderNonce of 15 octets', 'badSenderNonce', () => ({ header: { senderNonce: randomBytes(15) } })],
  ['a senderNonce of 65 octets', 'badSenderNonce', () => ({ header: { senderNonce: randomBytes(65) } })],
  ['a recipNonce', 'badRecipientNonce', () => ({ header: { recipNonce: randomBytes(16) } }), { says: 'recipNonce' }],
  ['no messageTime', 'badTime', () => ({ omit: ['messageTime'] }), badTime],
  ['a messageTime 301 seconds ago', 'badTime', () => ({ header: { messageTime: ago(301) } }), badTime],
  ['a messageTime 302 seconds ahead', 'badTime', () => ({ header: { messageTime: ago(-302) } }), badTime],
  [
    'an implicitConfirm that is not NULL',
    'badRequest',
    () => ({ header: { generalInfo: [{ type: 'implicitConfirm', value: octetString(randomBytes(4)) }] } }),
    { says: 'NULL' },
  ],
  [
    'an implicitConfirm without a value',
    'badRequest',
    () => ({ header: { generalInfo: [{ type: 'implicitConfirm' }] } }),
    { says: 'NULL' },
  ],
  [
    'implicitConfirm together with confirmWaitTime',
    'badRequest',
    () => ({ header: { generalInfo: [implicitConfirm, waitTime(generalizedTime(ago(-60)))] } }),
    { says: 'exclude' },
  ],
  [
    'a confirmWaitTime that is a UTCTime',
    'badDataFormat',
    () => ({ header: { generalInfo: [waitTime(tlv(Tag.utcTime, Buffer.from('261121120000Z')))] } }),
    { says: 'confirmWaitTime' },
  ],
  ...[implicitConfirm, waitTime(generalizedTime(ago(-60))), certProfile('device'), originals].map(
    (info): Wrong => [
      `${info.type} twice`,
      'badRequest',
      () => ({ header: { generalInfo: [info, info] } }),
      { says: `${info.type} more than once` },
    ],
  ),
  [
    'two names in certProfile',
    'badRequest',
    () => ({ header: { generalInfo: [certProfile('device', 'other')] } }),
    { says: 'certProfile' },
  ],
  [
    'a certProfile that is no list',
    'badDataFormat',
    () => ({ header: { generalInfo: [{ type: 'certProfile', value: utf8String('device') }] } }),
    { says: 'certProfile' },
  ],
];

describe('A first message is refused whose header has (RFC 9483 3.1 and 3.5)', () => {
  it.each(wrong)('%s: %s, protected by a MAC', async (_what, failInfo, wish, more = {}) => {
    const send = () => client.ir({ key: newKey(), ...wish() });
    await expectRejected(test, send, { failInfo, code: malformed, ...more });
  });

  it.each(wrong)('%s: %s, signed', async (_what, failInfo, wish, more = {}) => {
    const send = () => client.cr({ key: newKey(), subject: 'CN=signer', credential: device.credential, ...wish() });
    await expectRejected(test, send, { failInfo, code: malformed, ...more });
  });

  it.each(wrong)('%s: %s in an error message, in answer to an rr as well', async (_what, failInfo, wish, more = {}) => {
    const { credential, certificate } = device;
    const send = () => client.revoke({ certificate: certificate.raw, credential, ...wish() });
    await expectRejected(test, send, { failInfo, code: malformed, ...more });
  });

  it.each(['ir', 'cr', 'kur', 'p10cr', 'ccr', 'rr', 'genm'] as const)('a recipNonce, in a %s', async (type) => {
    const wish = { credential: device.credential, header: { recipNonce: randomBytes(16) } };
    const send = () => client.exchange(type, sequence(), wish);
    await expectRejected(test, send, { failInfo: 'badRecipientNonce', code: malformed, says: 'first message' });
  });

  it.each(['rr', 'genm', 'certConf', 'pollReq', 'popdecr', 'error'] as const)(
    'implicitConfirm where it has no place: in a %s',
    async (type) => {
      const send = () => client.exchange(type, sequence(), { credential: device.credential, implicitConfirm: true });
      await expectRejected(test, send, { failInfo: 'badRequest', code: malformed, says: `no place in a ${type}` });
    },
  );

  it.each([
    [1, 2],
    [4, 3],
    [127, 3],
  ])('pvno %d: the answer has %d, the nearest (RFC 9810 7)', async (pvno, answered) => {
    const send = () => client.ir({ key: newKey(), header: { pvno }, unchecked: ['protectionKind'] });
    const { message } = await expectRejected(test, send, { failInfo: 'unsupportedVersion', code: malformed });
    expect(message?.header.pvno).toBe(answered);
  });

  it.each<[string, Omit<EnrollWish, 'key'>, CmpRefusal]>([
    [
      'no protection',
      { omit: ['protection', 'protectionAlg'] },
      { failInfo: 'badMessageCheck', code: 'invalid-signature' },
    ],
    ['no extraCerts', { omit: ['extraCerts'] }, { failInfo: 'badMessageCheck', code: 'untrusted-signer' }],
    ['a damaged signature', { isDamaged: true }, { failInfo: 'badMessageCheck', code: 'invalid-signature' }],
    ['a stranger', { credential: signedBy(stranger) }, { failInfo: 'signerNotTrusted', code: 'untrusted-signer' }],
    ['a MAC', { credential: byMac }, { failInfo: 'wrongIntegrity', code: 'forbidden' }],
  ])('but with %s an rr gets an rp', async (_what, wish, refusal) => {
    const { credential, certificate } = device;
    const send = () => client.revoke({ certificate: certificate.raw, credential, ...wish });
    await expectRejected(test, send, { body: 'rp', ...refusal });
  });

  it.each<[string, () => Omit<EnrollWish, 'key'>]>([
    ['no senderKID', () => ({ omit: ['senderKid'] })],
    ['a senderKID that names no secret', () => ({ header: { senderKid: Buffer.from('other') } })],
    ['a sender that is no directoryName', () => ({ rawHeader: { sender: rfc822('device@example.com') } })],
  ])('with a MAC, %s: badMessageCheck', async (what, wish) => {
    const send = () => client.ir({ key: newKey(), ...wish(), unchecked: ['protectionKind'] });
    const code = what.includes('directoryName') ? 'invalid-signature' : 'bad-secret';
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code });
  });

  it.each<[string, () => Omit<EnrollWish, 'key'>]>([
    ['no senderKID', () => ({ omit: ['senderKid'] })],
    ["another senderKID than the certificate's", () => ({ header: { senderKid: randomBytes(20) } })],
    ["another sender than the certificate's subject", () => ({ header: { sender: 'CN=somebody' } })],
    ["the sender is the certificate's issuer", () => ({ header: { sender: 'CN=Devices,O=Plant' } })],
    ['a sender that is no directoryName', () => ({ rawHeader: { sender: rfc822('device@example.com') } })],
  ])('signed, %s: badMessageCheck', async (_what, wish) => {
    const send = () => client.cr({ key: newKey(), subject: 'CN=signer', credential: device.credential, ...wish() });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
  });
});

describe('A header is taken with', () => {
  it.each([2, 3])('pvno %d, which the answer has as well (RFC 9810 7)', async (pvno) => {
    const { certificate, message } = await client.ir({ key: newKey(), subject: `CN=pvno-${pvno}`, header: { pvno } });
    expect([message?.header.pvno, certificate?.subject]).toEqual([pvno, `CN=pvno-${pvno}`]);
  });

  it.each([16, 64])('a senderNonce of %d octets', async (length) => {
    const header = { senderNonce: randomBytes(length) };
    expect(issuedBy(await client.ir({ key: newKey(), subject: `CN=nonce-${length}`, header })).subject).toBe(
      `CN=nonce-${length}`,
    );
  });

  it.each([-290, 290])('a messageTime %d seconds away', async (seconds) => {
    const wish = { key: newKey(), subject: `CN=time${seconds}`, header: { messageTime: ago(seconds) } };
    expect((await client.ir(wish)).pkiStatus).toBe('accepted');
  });

  it('the prefix CN= before the name of the secret in senderKID', async () => {
    const header = { senderKid: Buffer.from('CN=fleet-reference') };
    const outcome = await client.ir({ key: newKey(), subject: 'CN=prefixed', header, unchecked: ['senderKid'] });
    expect(outcome.pkiStatus).toBe('accepted');
    expect(outcome.message?.header.senderKid).toEqual(Buffer.from('CN=fleet-reference'));
  });

  it('any directoryName as sender beside a MAC, the NULL-DN too: the senderKID alone names the secret', async () => {
    for (const sender of ['CN=anybody,O=Anywhere', '']) {
      const outcome = await client.ir({ key: newKey(), subject: 'CN=anybody', header: { sender } });
      expect(outcome.pkiStatus).toBe('accepted');
    }
  });

  it('any recipient', async () => {
    const header = { recipient: rfc822('ca@example.com') };
    expect((await client.ir({ key: newKey(), subject: 'CN=any-recipient', header })).pkiStatus).toBe('accepted');
  });

  it('infoTypes in generalInfo that nobody knows (RFC 9810 5.1.1)', async () => {
    const header = { generalInfo: [{ type: '1.3.6.1.4.1.55555.7', value: sequence(smallInteger(1), nullValue) }] };
    expect((await client.ir({ key: newKey(), subject: 'CN=unknown-info', header })).pkiStatus).toBe('accepted');
  });
});

describe('What a policy says of messageTime', () => {
  it('is that it may be absent', async () => {
    const timeless = createCmpClient(test, { label: 'timeless', credential: byMac });
    const outcome = await timeless.ir({ key: newKey(), subject: 'CN=timeless', omit: ['messageTime'] });
    expect(outcome.pkiStatus).toBe('accepted');
    const send = () => timeless.ir({ key: newKey(), header: { messageTime: ago(301) } });
    await expectRejected(test, send, { failInfo: 'badTime', code: 'stale-message' });
    timeless.close();
  });

  it('is how far it may be away', async () => {
    const strict = createCmpClient(test, { label: 'strict', credential: byMac });
    const send = () => strict.ir({ key: newKey(), header: { messageTime: ago(12) } });
    await expectRejected(test, send, { failInfo: 'badTime', code: 'stale-message' });
    expect((await strict.ir({ key: newKey(), subject: 'CN=strict' })).pkiStatus).toBe('accepted');
    strict.close();
  });
});

describe('certConf and pollReq are refused (RFC 9483 3.5) with', () => {
  it.each<[BodyType, string, () => Omit<EnrollWish, 'key'>]>([
    ['certConf', 'no transactionID', () => ({ omit: ['transactionId'] })],
    ['certConf', 'a transactionID of 8 octets', () => ({ header: { transactionId: randomBytes(8) } })],
    ['certConf', 'an unknown transactionID', () => ({ header: { transactionId: randomBytes(16) } })],
    ['pollReq', 'no transactionID', () => ({ omit: ['transactionId'] })],
    ['pollReq', 'an unknown transactionID', () => ({ header: { transactionId: randomBytes(16) } })],
  ])('%s: %s: badRequest', async (type, what, wish) => {
    const previous = (await enrolled(test, { isLeftUnconfirmed: true })).outcome;
    const send = () => (type === 'certConf' ? client.confirm(previous, wish()) : client.poll(previous, wish()));
    const code = what.startsWith('an unknown') ? 'not-found' : malformed;
    await expectRejected(test, send, { failInfo: 'badRequest', code, says: 'transactionID' });
  });

  it.each<[string, FailInfo, (nonce: Uint8Array) => Omit<EnrollWish, 'key'>]>([
    ['no recipNonce', 'badRecipientNonce', () => ({ omit: ['recipNonce'] })],
    ['another recipNonce', 'badRecipientNonce', () => ({ header: { recipNonce: randomBytes(16) } })],
    ['the senderNonce of the ir again', 'badSenderNonce', (nonce) => ({ header: { senderNonce: nonce } })],
    ['no senderNonce', 'badSenderNonce', () => ({ omit: ['senderNonce'] })],
    ['no messageTime', 'badTime', () => ({ omit: ['messageTime'] })],
    ['implicitConfirm', 'badRequest', () => ({ implicitConfirm: true })],
  ])('certConf: %s: %s, after which the right one is taken', async (what, failInfo, wish) => {
    const { outcome } = await enrolled(test, { isLeftUnconfirmed: true });
    const send = () => client.confirm(outcome, wish(outcome.sent.senderNonce ?? randomBytes(16)));
    const code = what === 'no messageTime' ? 'stale-message' : malformed;
    await expectRejected(test, send, { failInfo, code });
    expect((await client.confirm(outcome)).body?.type).toBe('pkiconf');
  });
});

function rfc822(address: string): Uint8Array {
  const names = encodeGeneralNames([{ type: 'email', value: address }]);
  return names.subarray(2);
}
