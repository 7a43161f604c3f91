/** error from a client (RFC 9810 5.3.21): answered with pkiconf, and the end of its operation. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { nullValue } from '../../../src/x509/der-writer.js';
import { errorContent } from '../../support/cmp/bodies.js';
import type { CmpClient, ExchangeWish } from '../../support/cmp/client.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, enrolled, signedBy, vendor } from '../../support/cmp-fleet.js';
import { later, startCmpReaders, version3 } from '../../support/cmp-readers.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventOf, eventsOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;
let client: CmpClient;
let manual: CmpClient;
let readers: CmpClient;

beforeAll(async () => {
  test = await startCmpReaders(clock);
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  manual = createCmpClient(test, { label: 'manual', credential: byMac });
  readers = createCmpClient(test, { label: 'readers', credential: byMac });
});
afterAll(async () => {
  for (const one of [client, manual, readers]) one.close();
  await test.close();
});

const content = errorContent(
  { status: 'rejection', text: 'no room for it', failInfo: ['systemFailure'] },
  7,
  'flash full',
);
const sendError = (previous: CmpOutcome, wish: ExchangeWish = {}, by = client) =>
  by.exchange('error', content, { previous, ...wish });
const unconfirmed = async () => (await enrolled(test, { isLeftUnconfirmed: true })).outcome;
const inUse = { failInfo: 'transactionIdInUse', code: 'duplicate-transaction' } as const;
const tooLate = { failInfo: 'badRequest', code: 'invalid-state' } as const;

async function stateOf({ certificate }: CmpOutcome) {
  if (certificate === undefined) throw new Error('no certificate');
  const { status, confirmBy, revocationReason } = await recordOf(test, certificate);
  return { status, isConfirmed: confirmBy === null, revocationReason };
}

/** Expects that the message that began the operation gets nothing more. */
async function expectEnded({ sent }: CmpOutcome, by: CmpClient): Promise<void> {
  const { body } = readMessage((await by.send(sent.der)).body);
  expect(body).toMatchObject({ type: 'error', status: { failInfo: ['transactionIdInUse'] } });
}

describe('error from a client', () => {
  it('rejects the certificate that waits for its certConf, with the reason on record', async () => {
    const outcome = await unconfirmed();
    const answered = await sendError(outcome);
    expect([answered.status, answered.body]).toEqual([200, { type: 'pkiconf' }]);
    expect(await stateOf(outcome)).toMatchObject({ status: 'revoked', revocationReason: 5 });
    expect(await eventOf(test, answered.answer)).toMatchObject({
      action: 'certificate.rejected',
      outcome: 'success',
      said: 'no room for it flash full',
    });
    await expectRejected(test, () => client.confirm(outcome), { failInfo: 'certConfirmed', code: 'already-confirmed' });
    await expectEnded(outcome, client);
  });

  it('says no more in the log than people read, and nothing that a terminal obeys', async () => {
    const hostile = errorContent({ status: 'rejection', text: `\u001b[2J\n${'x'.repeat(100_000)}` });
    const outcome = await unconfirmed();
    const answered = await client.exchange('error', hostile, { previous: outcome });
    expect((await eventOf(test, answered.answer))?.said).toBe(`?[2J?${'x'.repeat(195)}`);
    const waiting = await manual.ir({ key: newKey(), subject: 'CN=hostile' });
    const withdrawn = await manual.exchange('error', hostile, { previous: waiting });
    expect((await eventOf(test, withdrawn.answer))?.said).toBe(`?[2J?${'x'.repeat(195)}`);
    const again = await manual.poll(withdrawn, { previous: withdrawn });
    expect(again.statusString ?? '').not.toContain('\u001b');
  });

  it('does so signed, too, and leaves the key to a new request', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=errs'));
    const key = newKey();
    const outcome = await client.ir({ key, subject: 'CN=errs', credential });
    expect((await sendError(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
    expect((await client.ir({ key, subject: 'CN=errs', credential })).pkiStatus).toBe('accepted');
  });

  it('leaves the old certificate of a kur in its place', async () => {
    const { name, credential } = await enrolled(test);
    const kur = () => client.kur({ key: newKey(), subject: `CN=${name}`, credential });
    const outcome = await kur();
    await expectRejected(test, kur, { body: 'kup', ...tooLate, says: 'under way' });
    expect((await sendError(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
    expect((await kur()).pkiStatus).toBe('accepted');
  });

  it('withdraws the request that waits for an approval', async () => {
    const outcome = await manual.ir({ key: newKey(), subject: 'CN=withdrawn' });
    expect(outcome.pkiStatus).toBe('waiting');
    const answered = await sendError(outcome, {}, manual);
    expect(answered.body).toEqual({ type: 'pkiconf' });
    const { requestId } = outcome.answer;
    expect(await eventOf(test, answered.answer)).toMatchObject({
      action: 'request.withdrawn',
      outcome: 'success',
      subject: requestId,
      said: 'no room for it flash full',
    });
    const before = await countRecords(test);
    const approval = approveRequest(requestId, by('alice'), test.gateway.core);
    await expect(approval).rejects.toMatchObject({
      code: 'invalid-state',
      message: expect.stringContaining('rejected'),
    });
    expect(await countRecords(test)).toEqual(before);
    await expectRejected(test, () => manual.poll(answered, { previous: answered }), tooLate);
    await expectEnded(outcome, manual);
  });

  it('leaves what was approved meanwhile to lapse', async () => {
    const outcome = await manual.ir({ key: newKey(), subject: 'CN=approved' });
    await approveRequest(outcome.answer.requestId, by('alice'), test.gateway.core);
    const answered = await sendError(outcome, {}, manual);
    expect(answered.body).toEqual({ type: 'pkiconf' });
    await expectRejected(test, () => manual.poll(answered, { previous: answered }), tooLate);
  });

  it('ends a challenge', async () => {
    const key = newKey();
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await readers.ir({ key, subject: 'CN=challenged', possession, ...version3 });
    expect(popdecc.body?.type).toBe('popdecc');
    const answered = await sendError(popdecc, version3, readers);
    expect(answered.body).toEqual({ type: 'pkiconf' });
    expect(await eventOf(test, answered.answer)).toMatchObject({ action: 'request.withdrawn', outcome: 'success' });
    const unchecked = { ...version3, unchecked: ['recipNonce'] } as const;
    const send = () => readers.answerChallenges(popdecc, key.privateKey, { ...unchecked, header: nonceOf(answered) });
    await expectRejected(test, send, tooLate);
    await expectEnded(popdecc, readers);
  });

  it.each<[string, boolean]>([
    ['a certConf', false],
    ['an implicit confirmation', true],
  ])('after %s changes nothing', async (_what, implicitConfirm) => {
    const { outcome } = await enrolled(test, { implicitConfirm, isLeftUnconfirmed: true });
    const last = implicitConfirm ? outcome : await client.confirm(outcome);
    const confirmed = { status: 'valid', isConfirmed: true, revocationReason: null };
    expect(await stateOf(outcome)).toEqual(confirmed);
    const answered = await sendError(last);
    expect(answered.body).toEqual({ type: 'pkiconf' });
    expect(await stateOf(outcome)).toEqual(confirmed);
    expect(await eventOf(test, answered.answer)).toBeUndefined();
  });

  it('of a certificate that has lapsed, or that an operator has revoked, is answered all the same', async () => {
    const outcome = await unconfirmed();
    clock.advance(301);
    expect((await sendError(outcome)).body).toEqual({ type: 'pkiconf' });
    expect(await stateOf(outcome)).toMatchObject({ status: 'revoked', revocationReason: 5 });
    await expectRejected(test, () => client.ir({ key: newKey(), header: idOf(outcome) }), inUse);
  });

  it('and a certConf at the same time: one of them holds', async () => {
    for (let i = 0; i < 10; i++) {
      const outcome = await unconfirmed();
      const answers = await Promise.all([client.confirm(outcome), sendError(outcome)]);
      const [confirmed, broken] = answers.map(({ body }) => body?.type === 'pkiconf');
      const { status, isConfirmed } = await stateOf(outcome);
      expect({ confirmed, broken }).toEqual({ confirmed: status === 'valid', broken: status === 'revoked' });
      expect(isConfirmed).toBe(status === 'valid');
    }
  });
});

const malformed = 'malformed-request';

describe('error from a client is refused, and its operation stays as it is,', () => {
  it.each<[string, CmpRefusal, (outcome: CmpOutcome) => ExchangeWish]>([
    ['no transactionID', { failInfo: 'badRequest', code: malformed }, () => ({ omit: ['transactionId'] })],
    [
      'an unknown transactionID',
      { failInfo: 'badRequest', code: 'not-found' },
      () => ({ header: { transactionId: randomBytes(16) } }),
    ],
    ['no recipNonce', { failInfo: 'badRecipientNonce', code: malformed }, () => ({ omit: ['recipNonce'] })],
    [
      'another recipNonce',
      { failInfo: 'badRecipientNonce', code: malformed },
      () => ({ header: { recipNonce: randomBytes(16) } }),
    ],
    [
      'the senderNonce of the ir',
      { failInfo: 'badSenderNonce', code: malformed },
      ({ sent }) => ({ header: { senderNonce: sent.senderNonce ?? randomBytes(16) } }),
    ],
    ['no messageTime', { failInfo: 'badTime', code: 'stale-message' }, () => ({ omit: ['messageTime'] })],
    [
      'implicitConfirm',
      { failInfo: 'badRequest', code: malformed, says: 'no place' },
      () => ({ implicitConfirm: true }),
    ],
    [
      'no protection',
      { failInfo: 'badMessageCheck', code: 'invalid-signature' },
      () => ({ omit: ['protection', 'protectionAlg'], unchecked: ['protectionKind'] }),
    ],
    [
      'a damaged MAC',
      { failInfo: 'badMessageCheck', code: 'bad-secret' },
      () => ({ isDamaged: true, unchecked: ['protectionKind'] }),
    ],
    [
      'the credential of another one',
      { failInfo: 'wrongIntegrity', code: 'forbidden' },
      () => ({ credential: signedBy(vendor.device('O=Vendor,CN=breaks')) }),
    ],
  ])('with %s', async (_what, refusal, wish) => {
    const outcome = await unconfirmed();
    await expectRejected(test, () => sendError(outcome, wish(outcome)), refusal);
    expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
    expect(await stateOf(outcome)).toMatchObject({ status: 'valid', isConfirmed: true });
  });

  it('by the certificate of another device', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=began'));
    const outcome = await client.ir({ key: newKey(), subject: 'CN=began', credential });
    const other = { credential: signedBy(vendor.device('O=Vendor,CN=another')) };
    await expectRejected(test, () => sendError(outcome, other), { failInfo: 'badRequest', code: 'forbidden' });
    expect((await client.confirm(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('with a body that is none', async () => {
    const outcome = await unconfirmed();
    const send = () => client.exchange('error', nullValue, { previous: outcome });
    await expectRejected(test, send, { failInfo: 'badDataFormat', code: malformed });
    expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
  });

  it('and nothing but the errors above has withdrawn anything', async () => {
    for (const { content: text } of await eventsOf(test, 'request.withdrawn')) {
      expect(text).toMatch(/flash full|x{195}/);
    }
  });
});

function idOf({ sent }: CmpOutcome) {
  return { transactionId: sent.transactionId ?? randomBytes(16) };
}

function nonceOf({ message }: CmpOutcome) {
  return { pvno: 3, recipNonce: message?.header.senderNonce ?? randomBytes(16) };
}
