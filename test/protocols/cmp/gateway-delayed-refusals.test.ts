import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rejectRequest } from '../../../src/enrollment/approve.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { errorContent, pollRequest, revDetails } from '../../support/cmp/bodies.js';
import type { CmpClient, ExchangeWish } from '../../support/cmp/client.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { approve, expectPollRep, expectWaiting } from '../../support/cmp-delayed.js';
import {
  authority,
  byMac,
  type CmpDevice,
  cmpPolicy,
  enrolled,
  startCmpFleet,
  statusOf,
} from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by, operator } from '../../support/operator.js';
import { countRecords, eventOf, eventsOf, recordOf } from '../../support/records.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;

beforeAll(async () => {
  test = await startCmpFleet();
  await applyYaml(test, cmpPolicy('slow', 'approve: [rr, genm]', 'approval: manual, pollInterval: 30s'));
  client = createCmpClient(test, { label: 'slow', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

const rp = { body: 'rp' } as const;
const wishOf = ({ certificate, credential }: CmpDevice) => ({ certificate: certificate.raw, credential });

/** An rr that waits. */
async function ask() {
  const device = await enrolled(test);
  const outcome = await client.revoke({ ...wishOf(device), reason: 1 });
  expectWaiting(outcome);
  return { device, outcome, requestId: outcome.answer.requestId, credential: device.credential };
}

/** An ir that waits. */
async function askForCertificate() {
  const outcome = await client.ir({ key: newKey(), subject: 'CN=many-polls' });
  return { outcome, requestId: outcome.answer.requestId, credential: byMac };
}

/** As `gatehouse certificate revoke` does. */
async function revokeAsOperator({ certificate }: CmpDevice): Promise<void> {
  const { issuerId, serialNumber } = await recordOf(test, certificate);
  const reason = 'privilegeWithdrawn';
  await revokeCertificate({ issuerId, serialNumber, reason, actor: operator('alice') }, test.gateway.core);
}

describe('An rr that is to wait is refused at once', () => {
  it.each<[string, CmpRefusal, (device: CmpDevice) => Promise<Parameters<CmpClient['revoke']>[0]>]>([
    [
      'by another device',
      { ...rp, failInfo: 'notAuthorized', code: 'forbidden' },
      async (device) => ({ ...wishOf(device), credential: (await enrolled(test)).credential }),
    ],
    [
      'of what is revoked already',
      { ...rp, failInfo: 'certRevoked', code: 'already-revoked' },
      async (device) => {
        await revokeAsOperator(device);
        return { ...wishOf(device), credential: authority };
      },
    ],
    [
      'to revive what is not on hold',
      { ...rp, failInfo: 'badCertId', code: 'unknown-certificate' },
      async (device) => ({ ...wishOf(device), reason: 8 }),
    ],
    [
      'of an unknown certificate',
      { ...rp, failInfo: 'badCertId', code: 'unknown-certificate' },
      async (device) => ({ ...wishOf(device), template: { serialNumber: '0badcafe' } }),
    ],
  ])('%s', async (_what, refusal, make) => {
    const wish = await make(await enrolled(test));
    await expectRejected(test, () => client.revoke(wish), refusal);
  });
});

describe('An rr that came before', () => {
  it('octet by octet is answered with waiting again, also once the approval has revoked its signer', async () => {
    const { device, outcome, requestId, credential } = await ask();
    const before = await countRecords(test);
    const repeat = async () => readMessage((await client.send(outcome.sent.der)).body);
    const first = await repeat();
    expect(first.header.senderNonce).toEqual(outcome.message?.header.senderNonce);
    await approve(test, requestId);
    expect(await statusOf(test, device)).toBe('revoked');
    expect((await repeat()).body).toEqual(first.body);
    expect(await countRecords(test)).toEqual(before);
    expect((await client.poll(outcome, { credential })).pkiStatus).toBe('accepted');
    expect((await repeat()).body).toMatchObject({ type: 'error', status: { failInfo: ['transactionIdInUse'] } });
  });

  it('many times at once is one request, which one operation waits for', async () => {
    const device = await enrolled(test);
    const before = await countRecords(test);
    const content = sequence(revDetails({ certificate: device.certificate.raw }));
    const { der } = client.make('rr', content, { credential: device.credential });
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.send(der)));
    const bodies = answers.map(({ body }) => readMessage(body).body);
    expect(bodies.map((body) => body.type === 'error' && body.status.status)).toEqual(Array(10).fill('waiting'));
    expect(await countRecords(test)).toEqual({ ...before, transactions: before.transactions + 1 });
  });

  it('has the transactionID for itself: another rr or genm with it is transactionIdInUse', async () => {
    const { outcome, credential, device } = await ask();
    const { transactionId } = outcome.sent;
    if (transactionId === undefined) throw new Error('no transactionID');
    const wish = { credential, header: { transactionId } };
    const refusal = { failInfo: 'transactionIdInUse', code: 'duplicate-transaction' } as const;
    const again = () => client.revoke({ ...wishOf(device), ...wish, reason: 4 });
    await expectRejected(test, again, refusal);
    await expectRejected(test, () => client.genm('caCerts', undefined, wish), refusal);
    expectPollRep(await client.poll(outcome, { credential }));
  });
});

describe('error from a client (RFC 9810 5.3.21)', () => {
  const content = errorContent({ status: 'rejection', text: 'no more' });

  it('withdraws its rr, or its genm: no approval carries it out', async () => {
    const { device, outcome, credential } = await ask();
    const genm = await client.genm('caCerts', undefined, { credential });
    for (const previous of [outcome, genm]) {
      expectWaiting(previous);
      const answered = await client.exchange('error', content, { previous, credential });
      expect(answered.body).toEqual({ type: 'pkiconf' });
      expect(await eventOf(test, answered.answer)).toMatchObject({ action: 'request.withdrawn', said: 'no more' });
      await expect(approve(test, previous.answer.requestId)).rejects.toMatchObject({ code: 'invalid-state' });
      const poll = () => client.poll(answered, { previous: answered, credential });
      await expectRejected(test, poll, { failInfo: 'badRequest', code: 'invalid-state' });
      const { body } = readMessage((await client.send(previous.sent.der)).body);
      expect(body).toMatchObject({ type: 'error', status: { failInfo: ['transactionIdInUse'] } });
    }
    expect(await statusOf(test, device)).toBe('valid');
  });
});

describe('pollReq for an rr is refused', () => {
  it.each<[string, CmpRefusal, () => Promise<ExchangeWish>]>([
    [
      'by another requester',
      { failInfo: 'badRequest', code: 'forbidden' },
      async () => ({ credential: (await enrolled(test)).credential }),
    ],
    [
      'with another recipNonce',
      { failInfo: 'badRecipientNonce', code: 'malformed-request' },
      async () => ({ header: { recipNonce: randomBytes(16) } }),
    ],
    [
      'with another transactionID',
      { failInfo: 'badRequest', code: 'not-found' },
      async () => ({ header: { transactionId: randomBytes(16) } }),
    ],
    ['with a MAC', { failInfo: 'wrongIntegrity', code: 'forbidden' }, async () => ({ credential: byMac })],
  ])('%s, after which the right one is answered', async (_what, refusal, make) => {
    const { outcome, credential } = await ask();
    const wish = { credential, ...(await make()) };
    await expectRejected(test, () => client.poll(outcome, wish), refusal);
    expectPollRep(await client.poll(outcome, { credential }));
  });

  it('with a certReqId that is none, but not with 0, which some clients have for everything', async () => {
    const { outcome, credential } = await ask();
    const send = (id: number) => client.exchange('pollReq', pollRequest(id), { previous: outcome, credential });
    await expectRejected(test, () => send(1), { failInfo: 'badRequest', code: 'malformed-request' });
    expect((await send(0)).body).toMatchObject({ type: 'pollRep', polls: [{ certReqId: 0 }] });
  });

  it.each([
    ['an rp', ask],
    ['a certificate', askForCertificate],
  ])('once it has had its answer: one of many at once gets that, %s', async (_what, begin) => {
    const { outcome, requestId, credential } = await begin();
    await approve(test, requestId);
    const polls = await Promise.all(Array.from({ length: 10 }, () => client.poll(outcome, { credential })));
    const refused = polls.filter(({ pkiStatus }) => pkiStatus !== 'accepted');
    expect(refused).toHaveLength(9);
    for (const { body, answer } of refused) {
      expect(body?.type).toBe('error');
      expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused' });
    }
  });
});

describe('A certificate that its own rr has revoked', () => {
  it('asks what became of that, and nothing else', async () => {
    const { device, outcome, requestId, credential } = await ask();
    const other = await client.genm('caCerts', undefined, { credential });
    expectWaiting(other);
    await approve(test, requestId);
    const refusal = { failInfo: 'certRevoked', code: 'revoked-requester' } as const;
    await expectRejected(test, () => client.poll(other, { credential }), refusal);
    await expectRejected(test, () => client.genm('caCerts', undefined, { credential }), refusal);
    await expectRejected(test, () => client.revoke(wishOf(device)), { ...rp, ...refusal });
    await expectRejected(test, () => client.cr({ key: newKey(), subject: 'CN=x', credential }), refusal);
    const borrowed = await ask();
    await expectRejected(test, () => client.poll(borrowed.outcome, { credential }), {
      failInfo: 'badRequest',
      code: 'forbidden',
    });
    expect((await client.poll(outcome, { credential })).pkiStatus).toBe('accepted');
  });
});

describe('What has become impossible while it waited', () => {
  it('is refused when it is approved, waits on, and can be rejected', async () => {
    const { device, outcome, requestId, credential } = await ask();
    await revokeAsOperator(device);
    const before = await recordOf(test, device.certificate);
    await expect(approve(test, requestId)).rejects.toMatchObject({ code: 'already-revoked' });
    const [event] = await eventsOf(test, 'request.approval');
    expect(JSON.parse(event?.content ?? '')).toMatchObject({
      outcome: 'refused',
      subject: requestId,
      actor: 'alice',
      code: 'already-revoked',
    });
    expect(await recordOf(test, device.certificate)).toEqual(before);
    const polled = await client.poll(outcome, { credential });
    expectPollRep(polled);
    await rejectRequest(requestId, by('alice'), test.gateway.core);
    const refusal = { ...rp, failInfo: 'notAuthorized', code: 'forbidden' } as const;
    await expectRejected(test, () => client.poll(polled, { credential }), refusal);
  });

  it('is done once when two people approve at the same time', async () => {
    const { device, requestId } = await ask();
    const approvals = await Promise.allSettled(['alice', 'bob', 'carol'].map((name) => approve(test, requestId, name)));
    expect(approvals.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { id } = await recordOf(test, device.certificate);
    const revocations = await eventsOf(test, 'certificate.revoked');
    expect(revocations.filter(({ subject }) => subject === id)).toHaveLength(1);
  });
});
