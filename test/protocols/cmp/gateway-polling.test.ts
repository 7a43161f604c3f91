import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../../src/enrollment/approve.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { pollRequest } from '../../support/cmp/bodies.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { type CmpOutcome, issuedBy } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventOf, recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients = new Map<string, CmpClient>();
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('manual', '', 'approval: manual, approvalTimeout: 2d, pollInterval: 30s'));
  await applyYaml(test, cmpPolicy('two', '', 'approval: two-people'));
});
afterAll(async () => {
  disconnect();
  await test.close();
});

function connect(label = 'manual'): CmpClient {
  const client = clients.get(label) ?? createCmpClient(test, { label, credential: byMac });
  clients.set(label, client);
  return client;
}

function disconnect(): void {
  for (const client of clients.values()) client.close();
  clients.clear();
}

async function restart(): Promise<void> {
  disconnect();
  test = await test.restart();
}

let count = 0;

/** A request that waits for its approval. */
async function ask(wish: Partial<EnrollWish> = {}, label = 'manual') {
  const key = newKey();
  const name = `waiting-${++count}`;
  const outcome = await connect(label).ir({ key, subject: `CN=${name}`, ...wish });
  expectWaiting(outcome);
  return { key, name, outcome, requestId: outcome.answer.requestId };
}

function expectWaiting({ status, body, pkiStatus, failInfo, certificate }: CmpOutcome, type = 'ip'): void {
  expect({ status, type: body?.type, pkiStatus, failInfo, certificate }).toEqual({
    status: 200,
    type,
    pkiStatus: 'waiting',
    failInfo: [],
    certificate: undefined,
  });
}

function expectPollRep({ body, answer }: CmpOutcome, checkAfter = 30): void {
  expect(answer.status).toBe(200);
  expect(body).toMatchObject({ type: 'pollRep', polls: [{ certReqId: 0, checkAfter }] });
}

const approve = (requestId: string) => approveRequest(requestId, by('alice'), test.gateway.core);

describe('Delayed delivery (RFC 9483 4.4)', () => {
  it('is waiting, then pollRep with checkAfter, and after the approval the ip', async () => {
    const before = await countRecords(test);
    const { key, name, outcome, requestId } = await ask();
    expect(await countRecords(test)).toEqual({ ...before, transactions: before.transactions + 1 });
    const first = await connect().poll(outcome);
    expectPollRep(first);
    const second = await connect().poll(first);
    expectPollRep(second);
    await approve(requestId);
    const issued = await connect().poll(second);
    expect(issued).toMatchObject({ pkiStatus: 'accepted', body: { type: 'ip' }, isImplicitlyConfirmed: false });
    expect([issuedBy(issued).subject, issuedBy(issued).checkPrivateKey(key.privateKey)]).toEqual([`CN=${name}`, true]);
    expect((await recordOf(test, issuedBy(issued))).confirmBy).not.toBeNull();
    expect((await connect().confirm(issued)).body).toEqual({ type: 'pkiconf' });
    expect((await recordOf(test, issuedBy(issued))).confirmBy).toBeNull();
  });

  it.each([
    ['cr', 'cp'],
    ['p10cr', 'cp'],
  ] as const)('of %s ends in its own answer, %s, with the certReqId of its own', async (type, body) => {
    const key = newKey();
    const subject = `CN=delayed-${type}`;
    const outcome = await (type === 'cr' ? connect().cr({ key, subject }) : connect().p10cr(makeCsr({ key, subject })));
    expectWaiting(outcome, body);
    const polled = await connect().poll(outcome);
    expect(polled.body).toMatchObject({ type: 'pollRep', polls: [{ certReqId: type === 'cr' ? 0 : -1 }] });
    await approve(outcome.answer.requestId);
    const issued = await connect().poll(polled);
    expect(issued).toMatchObject({ pkiStatus: 'accepted', body: { type: body } });
    expect((await connect().confirm(issued)).body).toEqual({ type: 'pkiconf' });
  });

  it('of a p10cr is polled for by -1, or by 0, as a CertResponse is, and answered by what was asked', async () => {
    const outcome = await connect().p10cr(makeCsr({ key: newKey(), subject: 'CN=by-zero' }));
    const polled = await connect().exchange('pollReq', pollRequest(0), { previous: outcome });
    expect(polled.body).toMatchObject({ type: 'pollRep', polls: [{ certReqId: 0 }] });
    const again = await connect().exchange('pollReq', pollRequest(-1), { previous: polled });
    expect(again.body).toMatchObject({ type: 'pollRep', polls: [{ certReqId: -1 }] });
    await approve(outcome.answer.requestId);
    const issued = await connect().exchange('pollReq', pollRequest(0), { previous: again });
    expect(issued.body).toMatchObject({ type: 'cp', responses: [{ certReqId: -1 }] });
  });

  it('of a cr is polled for by 0 alone: badRequest', async () => {
    const outcome = await connect().cr({ key: newKey(), subject: 'CN=by-zero-only' });
    const send = () => connect().exchange('pollReq', pollRequest(-1), { previous: outcome });
    await expectRejected(test, send, { failInfo: 'badRequest', code: 'malformed-request' });
  });

  it('of a kur ends in a kup, and the old certificate is retired', async () => {
    const { key, outcome, requestId, name } = await ask();
    await approve(requestId);
    const issued = await connect().poll(outcome);
    await connect().confirm(issued);
    const { authority } = test.gateway.core;
    const chain = [issuedBy(issued).raw, ...authority.chain(authority.issuer('devices').id)];
    const credential = { kind: 'certificate', chain, privateKey: key.privateKey } as const;
    const wish = { subject: `CN=${name}`, credential };
    const waiting = await connect().kur({ key: newKey(), ...wish });
    expectWaiting(waiting, 'kup');
    await approve(waiting.answer.requestId);
    const updated = await connect().poll(waiting, { credential });
    expect(updated).toMatchObject({ pkiStatus: 'accepted', body: { type: 'kup' } });
    await connect().confirm(updated, { credential });
    await expectRejected(test, () => connect().kur({ key: newKey(), ...wish }), {
      body: 'kup',
      failInfo: 'certRevoked',
      code: 'revoked-requester',
    });
  });

  it('remembers the wish for implicit confirmation', async () => {
    const { outcome, requestId } = await ask({ implicitConfirm: true });
    await approve(requestId);
    const issued = await connect().poll(outcome);
    expect(issued.isImplicitlyConfirmed).toBe(true);
    expect((await recordOf(test, issuedBy(issued))).confirmBy).toBeNull();
  });

  it('works with signatures as well', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=polls'));
    const { outcome, requestId } = await ask({ credential });
    const polled = await connect().poll(outcome, { credential });
    expectPollRep(polled);
    await approve(requestId);
    expect((await connect().poll(polled, { credential })).pkiStatus).toBe('accepted');
  });

  it('goes on after restarts of the gateway, before the approval and behind it', async () => {
    const { outcome, requestId, name } = await ask();
    await restart();
    const polled = await connect().poll(outcome);
    expectPollRep(polled);
    await approve(requestId);
    await restart();
    const issued = await connect().poll(polled);
    expect(issuedBy(issued).subject).toBe(`CN=${name}`);
    await restart();
    expect((await connect().confirm(issued)).body).toEqual({ type: 'pkiconf' });
  });

  it('gives who picks the certificate up the usual time to confirm it', async () => {
    const { outcome, requestId } = await ask();
    await approve(requestId);
    clock.advance(3600);
    const issued = await connect().poll(outcome);
    clock.advance(290);
    expect((await connect().confirm(issued)).body).toEqual({ type: 'pkiconf' });
    const late = await ask();
    await approve(late.requestId);
    const picked = await connect().poll(late.outcome);
    clock.advance(301);
    await expectRejected(test, () => connect().confirm(picked), { failInfo: 'certRevoked', code: 'already-revoked' });
  });

  it('needs the approval of two people where the policy wants it', async () => {
    const { outcome, requestId } = await ask({}, 'two');
    await approve(requestId);
    const polled = await connect('two').poll(outcome);
    expectPollRep(polled, 60);
    await approveRequest(requestId, by('bob'), test.gateway.core);
    expect((await connect('two').poll(polled)).pkiStatus).toBe('accepted');
  });

  it('answers the very same ir again with waiting, without another request to approve', async () => {
    const message = connect().makeRequest('ir', { key: newKey(), subject: 'CN=sent-twice' });
    const first = readMessage((await connect().send(message.der)).body);
    const before = await countRecords(test);
    const second = readMessage((await connect().send(message.der)).body);
    expect(second.body).toEqual(first.body);
    expect(second.header.senderNonce).toEqual(first.header.senderNonce);
    expect(await countRecords(test)).toEqual(before);
  });
});

describe('Delayed delivery that ends without a certificate', () => {
  it('is a rejection in the ip, which says why', async () => {
    const { outcome, requestId } = await ask();
    await rejectRequest(requestId, by('bob', 'not one of ours'), test.gateway.core);
    await expectRejected(test, () => connect().poll(outcome), {
      body: 'ip',
      failInfo: 'notAuthorized',
      code: 'forbidden',
      says: 'not one of ours',
    });
  });

  it('is a rejection when nobody approved in time', async () => {
    const { outcome } = await ask();
    clock.advance(2 * daySeconds + 1);
    const late = await connect().poll(outcome);
    expect(late).toMatchObject({ pkiStatus: 'rejection', body: { type: 'ip' }, failInfo: ['badRequest'] });
    expect(await eventOf(test, late.answer)).toMatchObject({ action: 'request.refused', code: 'not-found' });
  });
});

describe('pollReq is refused', () => {
  it.each<[string, CmpRefusal, (outcome: CmpOutcome) => Partial<EnrollWish>]>([
    [
      'with another recipNonce',
      { failInfo: 'badRecipientNonce', code: 'malformed-request' },
      () => ({ header: { recipNonce: randomBytes(16) } }),
    ],
    [
      'without a recipNonce',
      { failInfo: 'badRecipientNonce', code: 'malformed-request' },
      () => ({ omit: ['recipNonce'] }),
    ],
    [
      'with the senderNonce of the ir',
      { failInfo: 'badSenderNonce', code: 'malformed-request' },
      ({ sent }) => ({ header: { senderNonce: sent.senderNonce ?? randomBytes(16) } }),
    ],
    [
      'with another transactionID',
      { failInfo: 'badRequest', code: 'not-found' },
      () => ({ header: { transactionId: randomBytes(16) } }),
    ],
    [
      'with a signature after a MAC',
      { failInfo: 'wrongIntegrity', code: 'forbidden' },
      () => ({ credential: signedBy(vendor.device('O=Vendor,CN=changed')) }),
    ],
    [
      'with another MAC algorithm',
      { failInfo: 'badMessageCheck', code: 'forbidden' },
      () => ({ credential: { ...byMac, algorithm: { type: 'pbmac1' } } }),
    ],
  ])('%s, after which the right one is answered', async (_what, refusal, wish) => {
    const { outcome } = await ask();
    await expectRejected(test, () => connect().poll(outcome, wish(outcome)), refusal);
    expectPollRep(await connect().poll(outcome));
  });

  it.each([
    ['another certReqId', pollRequest(1)],
    ['two certReqIds', pollRequest(0, 0)],
    ['none', sequence()],
  ])('with %s: badRequest', async (_what, content) => {
    const { outcome } = await ask();
    const send = () => connect().exchange('pollReq', content, { previous: outcome });
    await expectRejected(test, send, { failInfo: 'badRequest', code: 'malformed-request' });
    expectPollRep(await connect().poll(outcome));
  });

  it('where nothing is waited for', async () => {
    const { outcome } = await enrolled(test, { isLeftUnconfirmed: true });
    await expectRejected(test, () => connect('cmp').poll(outcome), { failInfo: 'badRequest', code: 'invalid-state' });
  });

  it('at another policy', async () => {
    const { outcome } = await ask();
    await expectRejected(test, () => connect('two').poll(outcome), { failInfo: 'badRequest', code: 'not-found' });
  });

  it('by another requester', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=owner'));
    const { outcome } = await ask({ credential });
    const other = signedBy(vendor.device('O=Vendor,CN=curious'));
    const send = () => connect().poll(outcome, { credential: other });
    await expectRejected(test, send, { failInfo: 'badRequest', code: 'forbidden' });
  });

  it('is no certConf either, before there is a certificate', async () => {
    const { outcome } = await ask();
    const statuses = [sequence(Uint8Array.of(4, 0), Uint8Array.of(2, 1, 0))];
    const send = () => connect().confirm(outcome, { statuses });
    await expectRejected(test, send, { failInfo: 'badRequest', code: 'invalid-state' });
  });
});
