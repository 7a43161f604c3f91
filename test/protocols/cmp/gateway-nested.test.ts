import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sequence } from '../../../src/x509/der-writer.js';
import { certStatus } from '../../support/cmp/bodies.js';
import type { CmpClient, EnrollWish, ExchangeWish } from '../../support/cmp/client.js';
import type { CmpCredential, SentMessage } from '../../support/cmp/message.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  authority,
  byMac,
  cmpPolicy,
  enrolled,
  powerless,
  signedBy,
  startCmpFleet,
  vendor,
} from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { countRecords, eventOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
/** The registration authority's. */
let client: CmpClient;
/** The device's behind it. */
let device: CmpClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('alone').replace('registrationAuthorities: [operator]', ''));
  client = createCmpClient(test, { label: 'cmp', credential: authority });
  device = createCmpClient(test, { label: 'cmp', credential: byMac });
});
afterAll(async () => {
  client.close();
  device.close();
  await test.close();
});

const bornDevice = signedBy(vendor.device('O=Vendor,CN=behind-ra'));
const ir = (name: string, wish: Partial<EnrollWish> = {}) =>
  device.makeRequest('ir', { key: newKey(), subject: `CN=${name}`, ...wish });
const malformed = 'malformed-request';

describe('Added protection (RFC 9483 5.2.2.1)', () => {
  it.each<['a MAC' | 'a signature', CmpCredential]>([
    ['a MAC', byMac],
    ['a signature', bornDevice],
  ])('around a message with %s is answered to that message, protected as it was', async (what, credential) => {
    const name = what === 'a MAC' ? 'added-mac' : 'added-signature';
    const inner = ir(name, { credential });
    const outcome = await client.nested([inner]);
    expect(outcome).toMatchObject({ status: 200, pkiStatus: 'accepted', body: { type: 'ip' } });
    expect(issuedBy(outcome).subject).toBe(`CN=${name}`);
    const { header } = outcome.message ?? {};
    expect(header?.transactionId).toEqual(inner.transactionId);
    expect(header?.senderKid?.toString() === byMac.reference).toBe(what === 'a MAC');
    expect((await device.confirm({ ...outcome, sent: inner }, { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('may be around a certConf, too', async () => {
    const { outcome } = await enrolled(test, { isLeftUnconfirmed: true });
    const { transactionId, senderNonce } = outcome.message?.header ?? {};
    if (!transactionId || !senderNonce || !outcome.certificate) throw new Error('no answer to confirm');
    const content = sequence(certStatus(outcome.certificate.raw));
    const inner = device.make('certConf', content, { header: { transactionId, recipNonce: senderNonce } });
    const other = { header: { recipNonce: randomBytes(16) } };
    await expectRejected(test, () => client.nested([inner], other), { failInfo: 'badRecipientNonce', code: malformed });
    const wish = { header: { recipNonce: senderNonce } };
    expect((await client.nested([inner], wish)).body).toEqual({ type: 'pkiconf' });
    expect((await recordOf(test, outcome.certificate)).confirmBy).toBeNull();
  });

  it('around what is refused is answered with its refusal', async () => {
    const inner = ir('refused', { possession: { kind: 'signature', isDamaged: true } });
    await expectRejected(test, () => client.nested([inner]), {
      body: 'ip',
      failInfo: 'badPOP',
      code: 'invalid-proof-of-possession',
      isInner: true,
    });
  });

  it.each([2, 3])('has the version of the message inside in its answer: %d', async (pvno) => {
    const inner = ir(`version-${pvno}`, { header: { pvno } });
    const outcome = await client.nested([inner], { header: { pvno: 3 } });
    expect([outcome.message?.header.pvno, outcome.pkiStatus]).toEqual([pvno, 'accepted']);
  });

  it('gives a device no right to say raVerified', async () => {
    const inner = ir('vouched', { credential: bornDevice, possession: { kind: 'raVerified' } });
    await expectRejected(test, () => client.nested([inner]), {
      body: 'ip',
      failInfo: 'notAuthorized',
      code: 'forbidden',
      isInner: true,
    });
  });

  it('makes no kur with a MAC any better', async () => {
    const inner = device.makeRequest('kur', { key: newKey() });
    await expectRejected(test, () => client.nested([inner]), {
      failInfo: 'wrongIntegrity',
      code: 'forbidden',
      isInner: true,
    });
  });

  it.each<[string, CmpRefusal, () => [SentMessage, ExchangeWish?]]>([
    [
      'another transactionID than the message inside',
      { failInfo: 'badRequest', code: malformed },
      () => [ir('x'), { header: { transactionId: randomBytes(16) } }],
    ],
    [
      'another senderNonce than the message inside',
      { failInfo: 'badSenderNonce', code: malformed },
      () => [ir('x'), { header: { senderNonce: randomBytes(16) } }],
    ],
    ['no messageTime', { failInfo: 'badTime', code: 'stale-message' }, () => [ir('x'), { omit: ['messageTime'] }]],
    [
      'a damaged signature',
      { failInfo: 'badMessageCheck', code: 'invalid-signature' },
      () => [ir('x'), { isDamaged: true }],
    ],
    [
      'a MAC, whose secret is not even looked for',
      { failInfo: 'wrongIntegrity', code: 'forbidden' },
      () => [ir('x'), { credential: byMac, unchecked: ['protectionKind'] }],
    ],
    [
      'the signature of a device',
      { failInfo: 'notAuthorized', code: 'forbidden' },
      () => [ir('x'), { credential: bornDevice }],
    ],
    [
      'the signature of a certificate without cmcRA',
      { failInfo: 'notAuthorized', code: 'forbidden' },
      () => [ir('x'), { credential: powerless }],
    ],
  ])('with %s is refused', async (_what, refusal, make) => {
    const [inner, wish] = make();
    await expectRejected(test, () => client.nested([inner], wish), refusal);
  });

  it.each<[string, CmpRefusal, () => Partial<EnrollWish>]>([
    ['no protection', { failInfo: 'badMessageCheck', code: 'invalid-signature' }, () => ({ omit: ['protection'] })],
    ['a damaged MAC', { failInfo: 'badMessageCheck', code: 'bad-secret' }, () => ({ isDamaged: true })],
    [
      'a damaged signature',
      { failInfo: 'badMessageCheck', code: 'invalid-signature' },
      () => ({ credential: bornDevice, isDamaged: true }),
    ],
    ['no messageTime', { failInfo: 'badTime', code: 'stale-message' }, () => ({ omit: ['messageTime'] })],
    [
      'a transactionID of 8 octets',
      { failInfo: 'badRequest', code: malformed },
      () => ({ header: { transactionId: randomBytes(8) } }),
    ],
  ])('around a message with %s is refused', async (_what, refusal, wish) => {
    // Whoever reads the refusal is the registration authority.
    const unchecked = ['transactionId', 'protectionKind', 'protection', 'recipient', 'senderKid', 'sender'] as const;
    const send = () => client.nested([ir('x', wish())], { unchecked });
    await expectRejected(test, send, { ...refusal, isInner: true });
  });

  it('is refused at a policy that has no registration authority', async () => {
    const alone = createCmpClient(test, { label: 'alone', credential: authority });
    await expectRejected(test, () => alone.nested([ir('x')]), { failInfo: 'notAuthorized', code: 'forbidden' });
    alone.close();
  });
});

describe('A batch (RFC 9483 5.2.2.2)', () => {
  it('is answered with a batch: each message as if it had come alone', async () => {
    const good = ir('batch-1');
    const bad = ir('batch-2', { possession: { kind: 'signature', isDamaged: true } });
    const other = ir('batch-3', { credential: bornDevice, header: { pvno: 3 } });
    const outcome = await client.nested([good, bad, other]);
    expect(outcome).toMatchObject({ status: 200, body: { type: 'nested' } });
    expect(outcome.inner.map(({ body, pkiStatus, failInfo }) => [body?.type, pkiStatus, failInfo])).toEqual([
      ['ip', 'accepted', []],
      ['ip', 'rejection', ['badPOP']],
      ['ip', 'accepted', []],
    ]);
    expect(outcome.inner.map(({ message }) => message?.header.pvno)).toEqual([2, 2, 3]);
    expect(outcome.inner.map(({ certificate }) => certificate?.subject)).toEqual([
      'CN=batch-1',
      undefined,
      'CN=batch-3',
    ]);
  });

  it.each<[string, CmpRefusal, (inner: readonly SentMessage[]) => ExchangeWish]>([
    [
      'the transactionID of a message inside',
      { failInfo: 'badRequest', code: malformed },
      ([, second]) => ({ header: { transactionId: second?.transactionId ?? randomBytes(16) } }),
    ],
    [
      'the senderNonce of a message inside',
      { failInfo: 'badSenderNonce', code: malformed },
      ([, second]) => ({ header: { senderNonce: second?.senderNonce ?? randomBytes(16) } }),
    ],
    [
      'a recipNonce',
      { failInfo: 'badRecipientNonce', code: malformed },
      () => ({ header: { recipNonce: randomBytes(16) } }),
    ],
  ])('with %s is refused', async (_what, refusal, wish) => {
    const inner = [ir('x'), ir('y')];
    await expectRejected(test, () => client.nested(inner, wish(inner)), refusal);
  });

  it('with one message whose protection is damaged is refused as a whole', async () => {
    const inner = [ir('x'), ir('y'), ir('z', { credential: bornDevice, isDamaged: true })];
    await expectRejected(test, () => client.nested(inner), {
      failInfo: 'badMessageCheck',
      code: 'invalid-signature',
      isInner: true,
    });
  });

  it('of nothing, of other batches, or of what is no message is refused', async () => {
    const refusal = { failInfo: 'badDataFormat', code: malformed } as const;
    await expectRejected(test, () => client.exchange('nested', sequence()), refusal);
    await expectRejected(test, () => client.exchange('nested', sequence(sequence())), refusal);
    const inner = client.make('nested', sequence(ir('x').der));
    await expectRejected(test, () => client.nested([inner]), { failInfo: 'badRequest', code: malformed });
    await expectRejected(test, () => client.nested([ir('y'), inner]), { failInfo: 'badRequest', code: malformed });
  });

  it('with the same message twice gives one certificate', async () => {
    const one = ir('twice-in-a-batch');
    const before = await countRecords(test);
    await client.nested([one, one], { unchecked: ['senderNonce'] });
    expect(await countRecords(test)).toEqual({
      certificates: before.certificates + 1,
      devices: before.devices + 1,
      transactions: before.transactions,
    });
  });

  it('of many messages does not keep others waiting', async () => {
    const many = Array.from({ length: 40 }, (_, i) => ir(`many-${i}`, { certReqId: 1 }));
    const answered: string[] = [];
    const work = client.nested(many).finally(() => answered.push('batch'));
    const { body } = await device.genm('caCerts').finally(() => answered.push('genm'));
    expect(body?.type).toBe('genp');
    expect((await work).inner).toHaveLength(40);
    expect(answered).toEqual(['genm', 'batch']);
  });
});

describe('A registration authority (RFC 9483 5.2 and 5.3)', () => {
  it('enrolls a device with raVerified; the names are the device’s', async () => {
    const wish = { key: newKey(), subject: 'CN=ra-verified', possession: { kind: 'raVerified' } } as const;
    const outcome = await client.ir(wish);
    expect(outcome.pkiStatus).toBe('accepted');
    expect(issuedBy(outcome).subject).toBe('CN=ra-verified');
    expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
    const event = await eventOf(test, outcome.answer);
    expect(JSON.stringify(event)).toContain('authentication-ca:');
  });

  it('without cmcRA has none of its rights', async () => {
    const wish = {
      key: newKey(),
      subject: 'CN=none',
      possession: { kind: 'raVerified' },
      credential: powerless,
    } as const;
    await expectRejected(test, () => client.ir(wish), { body: 'ip', failInfo: 'notAuthorized', code: 'forbidden' });
  });
});

describe('origPKIMessage (RFC 9810 5.1.1.3)', () => {
  const originals = (...messages: readonly SentMessage[]) => ({
    header: { generalInfo: [{ type: 'origPKIMessage', value: sequence(...messages.map(({ der }) => der)) }] },
  });
  const verified = (...messages: readonly SentMessage[]): EnrollWish => ({
    key: newKey(),
    subject: 'CN=orig',
    possession: { kind: 'raVerified' },
    ...originals(...messages),
  });
  const signed = (wish: Partial<EnrollWish> = {}) => ir('orig', { credential: bornDevice, ...wish });

  it('shows the message that a registration authority has checked, whose signature must be good', async () => {
    expect((await client.ir(verified(signed()))).pkiStatus).toBe('accepted');
    const send = () => client.ir(verified(signed({ isDamaged: true })));
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
  });

  it('may have a MAC, by a secret that only the device and the registration authority share', async () => {
    const credential = { kind: 'mac', reference: 'nobody knows', secret: 'but the two' } as const;
    expect((await client.ir(verified(ir('orig', { credential })))).pkiStatus).toBe('accepted');
  });

  it('that a stranger has signed is badMessageCheck', async () => {
    const credential = signedBy(createManufacturer('Stranger').device('O=Stranger,CN=unknown'));
    const send = () => client.ir(verified(signed({ credential })));
    await expectRejected(test, send, {
      failInfo: 'badMessageCheck',
      code: 'invalid-signature',
      says: 'origPKIMessage',
    });
  });

  it('has one message outside of nested ones: badRequest', async () => {
    const send = () => client.ir(verified(signed(), signed()));
    await expectRejected(test, send, { failInfo: 'badRequest', code: malformed, says: 'one message' });
    await expectRejected(test, () => client.ir(verified()), { failInfo: 'badDataFormat', code: malformed });
  });

  it('has as many in a nested message as there are inside, in the same order', async () => {
    const inner = [signed(), signed(), signed()] as const;
    const [first, second, third] = inner;
    const outcome = await client.nested(inner, originals(first, second, third));
    expect(outcome.inner.map(({ pkiStatus }) => pkiStatus)).toEqual(['accepted', 'accepted', 'accepted']);
    const alone = signed();
    expect(await client.nested([alone], originals(alone))).toMatchObject({ pkiStatus: 'accepted' });
    const refusal = { failInfo: 'badRequest', code: malformed, says: 'order' } as const;
    for (const wrong of [
      [first, third, second],
      [first, second],
      [first, second, third, third],
    ]) {
      await expectRejected(test, () => client.nested(inner, originals(...wrong)), refusal);
    }
  });
});
