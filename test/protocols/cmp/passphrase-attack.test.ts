/** What an attacker, or a careless client, may try with revocation passphrases (RFC 9810 5.3.19.9 and appendix B). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { bitString, implicit, octetString, oid, sequence, setOf, utf8String } from '../../../src/x509/der-writer.js';
import type { CmpClient, ExchangeWish } from '../../support/cmp/client.js';
import { encodeInfo } from '../../support/cmp/header.js';
import { infoTypes } from '../../support/cmp/identifiers.js';
import { type CmpCredential, subjectKeyIdOf } from '../../support/cmp/message.js';
import { localKeyId } from '../../support/cmp/seal-envelope.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  authority,
  byMac,
  type CmpDevice,
  cmpPolicy,
  enrolled,
  startCmpFleet,
  statusOf,
} from '../../support/cmp-fleet.js';
import {
  byPassphrase,
  encryptionCertificate,
  guess,
  isTaken,
  type PassphraseWish,
  passphrase,
  passphrasesSet,
  sealPassphrase,
  setPassphrase,
} from '../../support/cmp-passphrases.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { eventOf, recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
let recipient: PassphraseWish['recipient'];
const clock = createTestClock();
/** Whose device has a certificate. */
const own = { kind: 'mac', reference: 'own', secret: 'secret of one device' } as const;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  const credential = `{ kind: cmp-secret, name: own, reference: own, secret: ${own.secret}, usageLimit: 1 }`;
  await applyYaml(test, `authenticationPolicies: [{ name: fleet, division: plant, credentials: [${credential}] }]`);
  await applyYaml(test, cmpPolicy('timeless', 'requireMessageTime: false'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  recipient = { kind: 'certificate', certificate: await encryptionCertificate(client) };
});
afterAll(async () => {
  client.close();
  await test.close();
});

const set = (credential: CmpCredential, keyId: string, wish: Partial<PassphraseWish> = {}) =>
  setPassphrase(client, { passphrase, recipient, keyId, ...wish }, { credential });
/** With any value. */
const sendValue = (credential: CmpCredential, value: Uint8Array | undefined, wish: ExchangeWish = {}) =>
  client.genm('revPassphrase', value, { credential, header: { pvno: 3 }, ...wish });
const rr = ({ certificate }: CmpDevice, credential: CmpCredential, reason = 1) =>
  client.revoke({ certificate: certificate.raw, credential, reason });

/** The last octet of the padding changed: it is that of the block before, in CBC mode, without attributes behind it. */
function withWrongPadding(value: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(value);
  const at = copy.length - 17;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const rp = { body: 'rp' } as const;
const wrong = { failInfo: 'badMessageCheck', code: 'bad-secret' } as const;
const badRequest = { failInfo: 'badRequest', code: 'malformed-request' } as const;
const badDataFormat = { failInfo: 'badDataFormat', code: 'malformed-request' } as const;

async function expectNothingSet(send: Parameters<typeof expectRejected>[1], refusal: CmpRefusal): Promise<void> {
  const before = await passphrasesSet(test);
  await expectRejected(test, send, refusal);
  expect(await passphrasesSet(test)).toBe(before);
}

describe('Who does not know the passphrase', () => {
  it('is refused as for a reference that nobody has', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'guessed');
    const tries = [];
    for (const reference of ['guessed', 'nobody']) {
      tries.push(
        await expectRejected(test, () => guess(client, device, byPassphrase(reference, 'a guess')), {
          ...rp,
          ...wrong,
        }),
      );
    }
    expect(tries[0]?.statusString).toBe(tries[1]?.statusString);
    expect(await statusOf(test, device)).toBe('valid');
  });

  it('is counted, and has to wait', async () => {
    const counting = await startCmpFleet({ clock, failedAuthenticationsPerMinute: 3 });
    const { certificate } = await enrolled(counting);
    const guesser = createCmpClient(counting, {
      label: 'cmp',
      credential: byPassphrase('guessed', 'a guess'),
      unchecked: ['protectionKind'],
    });
    const again = () => guesser.revoke({ certificate: certificate.raw });
    for (let i = 0; i < 3; i++) await expectRejected(counting, again, { ...rp, ...wrong });
    await expectRejected(counting, again, { ...rp, failInfo: 'systemUnavail', code: 'rate-limited' });
    guesser.close();
    await counting.close();
  });

  it('gets wrongIntegrity with a secret that has the same reference', async () => {
    const device = await enrolled(test);
    expect(isTaken(await set(device.credential, byMac.reference))).toBe(true);
    await expectRejected(test, () => rr(device, byMac), { ...rp, failInfo: 'wrongIntegrity', code: 'forbidden' });
    expect((await client.genm('caCerts')).body?.type).toBe('genp');
    expect((await rr(device, byPassphrase(byMac.reference, passphrase))).pkiStatus).toBe('accepted');
  });
});

describe('The passphrase', () => {
  it('opens nothing but an rr', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'nothing-else');
    const credential = byPassphrase('nothing-else', passphrase);
    const unchecked = ['protectionKind'] as const;
    const wish = { key: newKey(), subject: 'CN=enemy', credential, unchecked };
    for (const type of ['ir', 'cr'] as const) await expectRejected(test, () => client[type](wish), wrong);
    await expectRejected(test, () => client.kur({ ...wish, controls: [] }), wrong);
    await expectRejected(test, () => client.genm('caCerts', undefined, { credential, unchecked }), wrong);
    const value = sealPassphrase({ passphrase, recipient });
    await expectNothingSet(() => sendValue(credential, value, { unchecked }), wrong);
    const { sent } = await client.genm('caCerts', undefined, { credential: device.credential });
    const nested = () => client.nested([sent], { credential, unchecked });
    await expectRejected(test, nested, { failInfo: 'wrongIntegrity', code: 'forbidden' });
    expect((await rr(device, credential)).pkiStatus).toBe('accepted');
  });

  it('is of no use to a device that is suspended', async () => {
    const device = await enrolled(test);
    await set(device.credential, 'suspended');
    const { deviceId } = await recordOf(test, device.certificate);
    const { devices, commit } = test.gateway.core.store;
    const at = clock.now().getTime();
    const state = { id: deviceId ?? '', from: 'operational', to: 'suspended', at } as const;
    await commit({ statements: [devices.setState(state)], audit: [] });
    const refusal = { failInfo: 'notAuthorized', code: 'forbidden', says: 'suspended' } as const;
    await expectRejected(test, () => rr(device, byPassphrase('suspended', passphrase)), { ...rp, ...refusal });
    await expectNothingSet(() => set(device.credential, 'suspended'), refusal);
    expect(await statusOf(test, device)).toBe('valid');
  });
});

describe("revPassphrase that the gateway's key has opened is answered alike", () => {
  it('whether it is any good or not, and what it had is gone', async () => {
    const device = await enrolled(test);
    const good = sealPassphrase({ passphrase, recipient });
    const expected = (await sendValue(device.credential, good)).body;
    expect(expected).toEqual({ type: 'genp', infos: [{ type: infoTypes.revPassphrase }] });
    const values: [string, Uint8Array, boolean | undefined][] = [
      ['padding', withWrongPadding(good), false],
      ['wrapped key', sealPassphrase({ passphrase, recipient, damage: 'encryptedKey' }), undefined],
      ['content', sealPassphrase({ passphrase, recipient, damage: 'encryptedContent' }), undefined],
      ['no octets', sealPassphrase({ passphrase: '', recipient }), false],
      ['7 octets', sealPassphrase({ passphrase: 'seven77', recipient }), false],
      ['256 octets', sealPassphrase({ passphrase: 'x'.repeat(256), recipient }), false],
      ['8 octets', sealPassphrase({ passphrase: 'eight888', recipient }), true],
      ['255 octets', sealPassphrase({ passphrase: 'x'.repeat(255), recipient }), true],
    ];
    for (const [what, value, isRead] of values) {
      const { answer, body } = await sendValue(device.credential, value);
      expect({ what, body }).toEqual({ what, body: expected });
      const event = await eventOf(test, answer);
      expect(event).toMatchObject({ action: 'device.passphrase-set', outcome: 'success' });
      // Garbage may have the padding that it needs, once in some hundred times.
      if (isRead !== undefined) expect({ what, read: event?.read }).toEqual({ what, read: isRead });
    }
  });

  it.each(['padding', 'length'])('and a wrong %s sets what nobody knows', async (what) => {
    const device = await enrolled(test);
    const short = 'seven77';
    await set(device.credential, `before-${what}`);
    const good = sealPassphrase({ passphrase, recipient });
    const value = what === 'padding' ? withWrongPadding(good) : sealPassphrase({ passphrase: short, recipient });
    await sendValue(device.credential, value);
    const keyId = subjectKeyIdOf(decodeCertificate(device.certificate.raw)) ?? new Uint8Array();
    for (const secret of [passphrase, short, '']) {
      for (const senderKid of [Buffer.from(`before-${what}`), keyId]) {
        const credential = byPassphrase('before', secret);
        const send = () =>
          client.revoke({
            certificate: device.certificate.raw,
            credential,
            header: { senderKid },
            unchecked: ['protectionKind'],
          });
        await expectRejected(test, send, { ...rp, ...wrong });
      }
    }
    expect(await statusOf(test, device)).toBe('valid');
  });
});

describe('revPassphrase that the secret of the message encrypts is told what is wrong', () => {
  const to = { kind: 'password', password: own.secret } as const;

  beforeAll(async () => {
    await enrolled(test, { credential: own });
  });

  it.each<[string, () => Uint8Array, string]>([
    ['another secret', () => sealPassphrase({ passphrase, recipient: { ...to, password: 'another' } }), 'not open'],
    ['a damaged key', () => sealPassphrase({ passphrase, recipient: to, damage: 'encryptedKey' }), 'not open'],
    ['wrong padding', () => withWrongPadding(sealPassphrase({ passphrase, recipient: to })), 'not open'],
    ['7 octets', () => sealPassphrase({ passphrase: 'seven77', recipient: to }), '7 octets'],
    ['256 octets', () => sealPassphrase({ passphrase: 'x'.repeat(256), recipient: to }), '256 octets'],
  ])('%s', async (_, value, says) => {
    await expectNothingSet(() => sendValue(own, value()), { ...badRequest, says });
  });
});

describe('revPassphrase is refused', () => {
  let device: CmpDevice;
  beforeAll(async () => {
    device = await enrolled(test);
  });

  const attributes = (...values: Uint8Array[]) => sealPassphrase({ passphrase, recipient, attributes: values });
  it.each<[string, CmpRefusal, () => Uint8Array | undefined]>([
    ['without a value', badRequest, () => undefined],
    ['as EncryptedValue', { ...badRequest, says: 'deprecated' }, () => sequence(bitString(Buffer.from('secret')))],
    ['that is no EncryptedKey', badDataFormat, () => utf8String(passphrase)],
    ['that is no EnvelopedData', badDataFormat, () => implicit(0, sequence(utf8String(passphrase)))],
    [
      'encrypted to somebody else',
      { ...badRequest, says: 'caProtEncCert' },
      () => sealPassphrase({ passphrase, recipient: { kind: 'certificate', certificate: device.certificate.raw } }),
    ],
    [
      'encrypted by a secret, in a message that is signed',
      { ...badRequest, says: 'caProtEncCert' },
      () => sealPassphrase({ passphrase, recipient: { kind: 'password', password: 'some secret' } }),
    ],
    ['with an empty localKeyId', badRequest, () => attributes(localKeyId(Buffer.alloc(0)))],
    ['with a localKeyId that is nothing but CN=', badRequest, () => attributes(localKeyId(Buffer.from('CN=')))],
    ['with a localKeyId of 65 octets', badRequest, () => attributes(localKeyId(Buffer.alloc(65, 'x')))],
    ['with two values of localKeyId', badDataFormat, () => attributes(localKeyId(Buffer.from('a'), Buffer.from('b')))],
    ['with no value of localKeyId', badDataFormat, () => attributes(localKeyId())],
    ['with two localKeyIds', badDataFormat, () => attributes(...['a', 'b'].map((id) => localKeyId(Buffer.from(id))))],
    [
      'with a localKeyId that is text',
      badDataFormat,
      () => attributes(sequence(oid('1.2.840.113549.1.9.21'), setOf(utf8String('name')))),
    ],
    ['with attributes that are none', badDataFormat, () => attributes(octetString(Buffer.from('x')))],
  ])('%s', async (_, refusal, value) => {
    await expectNothingSet(() => sendValue(device.credential, value()), refusal);
  });

  it('together with anything else', async () => {
    const value = sealPassphrase({ passphrase, recipient });
    for (const other of [{ type: 'caCerts' }, { type: 'revPassphrase', value }]) {
      const content = sequence(encodeInfo({ type: 'revPassphrase', value }), encodeInfo(other));
      const send = () => client.exchange('genm', content, { credential: device.credential });
      await expectNothingSet(send, { ...badRequest, says: 'of its own' });
    }
  });

  it.each(['ir', 'genm', 'rr', 'certConf'] as const)('in the header of a message: %s', async (type) => {
    const generalInfo = [{ type: 'revPassphrase', value: sealPassphrase({ passphrase, recipient }) }];
    const { credential } = device;
    const wish = { credential, header: { generalInfo } };
    const open = await enrolled(test, { isLeftUnconfirmed: true });
    const sends = {
      ir: () => client.ir({ key: newKey(), subject: 'CN=header', ...wish }),
      genm: () => client.genm('caCerts', undefined, wish),
      rr: () => client.revoke({ certificate: device.certificate.raw, ...wish }),
      certConf: () => client.confirm(open.outcome, { header: { generalInfo } }),
    };
    await expectNothingSet(sends[type], { ...badRequest, says: 'genm' });
  });

  it('without a messageTime, also where the policy does without', async () => {
    const timeless = createCmpClient(test, { label: 'timeless', credential: device.credential });
    const certificate = await encryptionCertificate(timeless);
    const value = sealPassphrase({ passphrase, recipient: { kind: 'certificate', certificate } });
    const send = () => timeless.genm('revPassphrase', value, { omit: ['messageTime'] });
    await expectNothingSet(send, { failInfo: 'badTime', code: 'stale-message' });
    expect(isTaken(await timeless.genm('revPassphrase', value))).toBe(true);
    timeless.close();
  });

  it('by a reference that another certificate has, also when both come at once', async () => {
    const [one, two] = [await enrolled(test), await enrolled(test)];
    await set(one.credential, 'taken');
    const refusal = { failInfo: 'badRequest', code: 'invalid-state' } as const;
    await expectNothingSet(() => set(two.credential, 'taken'), { ...refusal, says: 'another localKeyId' });
    // Another reference of its certificate frees the one before.
    await set(one.credential, 'moved-on');
    expect(isTaken(await set(two.credential, 'taken'))).toBe(true);
    const both = await Promise.all([set(one.credential, 'contested'), set(two.credential, 'contested')]);
    expect(both.filter(isTaken)).toHaveLength(1);
    expect(both.find((outcome) => !isTaken(outcome))).toMatchObject({ failInfo: ['badRequest'] });
  });
});

describe('A captured genm that is sent again', () => {
  it('does not bring an older passphrase back', async () => {
    const device = await enrolled(test);
    const first = await set(device.credential, 'replayed', { passphrase: 'an older passphrase' });
    clock.advance(1);
    const second = await set(device.credential, 'replayed');
    expect(isTaken(second)).toBe(true);
    const again = await client.send(first.sent.der);
    expect(await eventOf(test, again)).toMatchObject({ action: 'request.refused', code: 'stale-message' });
    const older = byPassphrase('replayed', 'an older passphrase');
    await expectRejected(test, () => guess(client, device, older), { ...rp, ...wrong });
    // The latest may be repeated by a client that has lost the answer.
    expect(await eventOf(test, await client.send(second.sent.der))).toMatchObject({ action: 'device.passphrase-set' });
    expect((await rr(device, byPassphrase('replayed', passphrase))).pkiStatus).toBe('accepted');
  });

  it('gives its passphrase to nobody else', async () => {
    const [device, other] = [await enrolled(test), await enrolled(test)];
    const value = sealPassphrase({ passphrase, recipient, keyId: 'stolen' });
    await sendValue(other.credential, value);
    const refusal = { failInfo: 'notAuthorized', code: 'forbidden' } as const;
    await expectRejected(test, () => rr(device, byPassphrase('stolen', passphrase)), { ...rp, ...refusal });
    expect(await statusOf(test, device)).toBe('valid');
  });
});

describe('revPassphrase signed by a certificate', () => {
  const revoked = { failInfo: 'certRevoked', code: 'revoked-requester' } as const;
  const invalid = { failInfo: 'badRequest', code: 'invalid-state' } as const;

  it('that is revoked or on hold', async () => {
    for (const reason of [1, 6]) {
      const device = await enrolled(test);
      await client.revoke({ certificate: device.certificate.raw, credential: authority, reason });
      await expectNothingSet(() => set(device.credential, 'gone'), revoked);
    }
  });

  it('that is not confirmed, or whose successor is or is to be', async () => {
    const unconfirmed = await enrolled(test, { isLeftUnconfirmed: true });
    await expectNothingSet(() => set(unconfirmed.credential, 'early'), invalid);
    const { credential, name } = await enrolled(test);
    const update = await client.kur({ key: newKey(), subject: `CN=${name}`, credential });
    await expectNothingSet(() => set(credential, 'between'), invalid);
    await client.confirm(update, { credential });
    await expectNothingSet(() => set(credential, 'between'), revoked);
  });

  it('that has lapsed or expired', async () => {
    const [lapsing, device] = [await enrolled(test, { isLeftUnconfirmed: true }), await enrolled(test)];
    clock.advance(600);
    await expectNothingSet(() => set(lapsing.credential, 'lapsed'), revoked);
    clock.advance(91 * daySeconds);
    recipient = { kind: 'certificate', certificate: await encryptionCertificate(client) };
    await expectNothingSet(() => set(device.credential, 'expired'), { ...revoked, says: 'expired' });
  });
});
