import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { rejectRequest } from '../../../src/enrollment/approve.js';
import { nullValue, octetString, sequence } from '../../../src/x509/der-writer.js';
import { partsOf } from '../../support/asn1-values.js';
import type { CmpClient, ExchangeWish } from '../../support/cmp/client.js';
import { encodeInfo } from '../../support/cmp/header.js';
import { infoTypes } from '../../support/cmp/identifiers.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { approve, expectPollRep, expectWaiting } from '../../support/cmp-delayed.js';
import { byMac, cmpPolicy, enrolled, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventOf, eventsOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();
const slow = (cmp = 'includeRoot: true') =>
  cmpPolicy('slow', `approve: [genm], ${cmp}`, 'approvalTimeout: 2d, pollInterval: 30s');

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, slow());
  connect();
});
afterAll(async () => {
  client.close();
  await test.close();
});

function connect(): void {
  client = createCmpClient(test, { label: 'slow', credential: byMac });
}

/** A genm that waits. */
async function ask(value?: Uint8Array, wish: ExchangeWish = {}) {
  const outcome = await client.genm('caCerts', value, wish);
  expectWaiting(outcome);
  return { outcome, requestId: outcome.answer.requestId };
}

const caCertsWish = sequence(encodeInfo({ type: 'caCerts' }));

/** How many certificates a genp with caCerts has. */
function certificatesIn({ body }: CmpOutcome): number {
  const [info] = body?.type === 'genp' ? body.infos : [];
  expect(info?.type).toBe(infoTypes.caCerts);
  return partsOf(fromBER(info?.value ?? nullValue).result).length;
}

describe('Delayed delivery of genm (RFC 9483 4.4)', () => {
  it.each([
    ['a MAC', byMac],
    ['a signature', signedBy(vendor.device('O=Vendor,CN=asks-slowly'))],
  ] as const)('with %s is waiting, then pollRep, and after the approval the genp', async (_what, credential) => {
    const { outcome, requestId } = await ask(undefined, { credential });
    const polled = await client.poll(outcome, { credential });
    expectPollRep(polled);
    expect(await approve(test, requestId)).toEqual({ outcome: 'answerable' });
    expect(certificatesIn(await client.poll(polled, { credential }))).toBe(2);
    const [approval] = await eventsOf(test, 'request.approved');
    expect(approval).toMatchObject({ subject: requestId, outcome: 'success' });
  });

  it('has its event, which says what it was', async () => {
    const { outcome } = await ask();
    expect(await eventOf(test, outcome.answer)).toMatchObject({
      action: 'request.pending',
      outcome: 'pending',
      protocol: 'cmp',
      operation: 'genm',
      policy: 'slow',
      trace: [{ rule: 'approval', outcome: 'pending', said: 'policy slow wants the approval of a person for genm' }],
    });
  });

  it('is answered with what there is to say by then', async () => {
    const { outcome, requestId } = await ask();
    await approve(test, requestId);
    await applyYaml(test, slow('includeRoot: false'));
    const answered = await client.poll(outcome);
    await applyYaml(test, slow());
    expect(certificatesIn(answered)).toBe(1);
  });

  it('goes on after restarts of the gateway, before the approval and behind it', async () => {
    const { outcome, requestId } = await ask();
    for (const act of [async () => undefined, () => approve(test, requestId)]) {
      await act();
      client.close();
      test = await test.restart();
      connect();
    }
    expect(certificatesIn(await client.poll(outcome))).toBe(2);
  });

  it('leaves rr and certificates of that policy alone', async () => {
    const device = await enrolled(test, { label: 'slow' });
    const outcome = await client.revoke({ certificate: device.certificate.raw, credential: device.credential });
    expect(outcome).toMatchObject({ body: { type: 'rp' }, pkiStatus: 'accepted' });
  });

  it('answers the very same genm again with waiting, without another request to approve', async () => {
    const message = client.make('genm', caCertsWish);
    const first = readMessage((await client.send(message.der)).body);
    const before = await countRecords(test);
    const second = readMessage((await client.send(message.der)).body);
    expect(second.body).toEqual(first.body);
    expect(second.header.senderNonce).toEqual(first.header.senderNonce);
    expect(await countRecords(test)).toEqual(before);
  });

  it('keeps one request and one operation of a genm that comes many times at once', async () => {
    const before = await countRecords(test);
    const message = client.make('genm', caCertsWish);
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.send(message.der)));
    const read = answers.map(({ body }) => readMessage(body));
    expect(read.map(({ body }) => body.type === 'error' && body.status.status)).toEqual(Array(10).fill('waiting'));
    expect(new Set(read.map(({ header }) => header.senderNonce?.toString('hex'))).size).toBe(1);
    expect(await countRecords(test)).toEqual({ ...before, transactions: before.transactions + 1 });
  });

  it('gives the answer to one of many polls at once', async () => {
    const { outcome, requestId } = await ask();
    await approve(test, requestId);
    const polls = await Promise.all(Array.from({ length: 10 }, () => client.poll(outcome)));
    const [answers, refused] = [true, false].map((isAnswer) =>
      polls.filter(({ body }) => (body?.type === 'genp') === isAnswer),
    );
    expect([answers?.length, refused?.length]).toEqual([1, 9]);
    for (const { body, failInfo, answer } of refused ?? []) {
      expect(body?.type).toBe('error');
      expect(['badRequest', 'badRecipientNonce']).toContain(failInfo[0]);
      expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused' });
    }
  });
});

describe('Delayed delivery of genm that ends without an answer', () => {
  it('is an error with rejection, which says why', async () => {
    const { outcome, requestId } = await ask();
    await rejectRequest(requestId, by('bob', 'ask the other site'), test.gateway.core);
    await expectRejected(test, () => client.poll(outcome), {
      failInfo: 'notAuthorized',
      code: 'forbidden',
      says: 'ask the other site',
    });
    const again = () => client.poll(outcome);
    await expectRejected(test, again, { failInfo: 'badRecipientNonce', code: 'malformed-request' });
  });

  it('is an error with rejection when nobody approved in time', async () => {
    const { outcome } = await ask();
    clock.advance(2 * daySeconds + 1);
    const late = await client.poll(outcome);
    expect(late).toMatchObject({ pkiStatus: 'rejection', body: { type: 'error' }, failInfo: ['badRequest'] });
    expect(await eventOf(test, late.answer)).toMatchObject({ action: 'request.refused', code: 'not-found' });
  });

  it('is the refusal of what it asks, once a person has let it pass', async () => {
    const { outcome, requestId } = await ask(nullValue);
    await approve(test, requestId);
    await expectRejected(test, () => client.poll(outcome), { failInfo: 'badRequest', code: 'malformed-request' });
  });

  it('is transactionIdInUse for the same genm once it has its answer', async () => {
    const { outcome, requestId } = await ask();
    await approve(test, requestId);
    expect(certificatesIn(await client.poll(outcome))).toBe(2);
    const { body } = readMessage((await client.send(outcome.sent.der)).body);
    expect(body).toMatchObject({ type: 'error', status: { failInfo: ['transactionIdInUse'] } });
  });

  it('is badMessageCheck for who is nobody, and nothing waits', async () => {
    const credential = { kind: 'none' } as const;
    const send = () => client.genm('caCerts', undefined, { credential });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
  });
});

describe('A genm that people would have to keep', () => {
  it('is refused when it is longer than a message need be', async () => {
    const generalInfo = [{ type: '1.3.6.1.4.1.55555.1', value: octetString(new Uint8Array(66_000)) }];
    const send = () => client.genm('caCerts', undefined, { header: { generalInfo } });
    await expectRejected(test, send, { failInfo: 'badRequest', code: 'malformed-request', says: '65536' });
  });

  it('is refused by a secret that is used up, which has nothing more to ask', async () => {
    await applyYaml(
      test,
      `authenticationPolicies:
  - name: fleet
    division: plant
    credentials: [{ kind: cmp-secret, name: spent, reference: spent, secret: for one certificate, usageLimit: 1 }]`,
    );
    const credential = { kind: 'mac', reference: 'spent', secret: 'for one certificate' } as const;
    await client.ir({ key: newKey(), subject: 'CN=spent', credential, implicitConfirm: true });
    const before = await countRecords(test);
    const send = () => client.genm('caCerts', undefined, { credential });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'bad-secret', says: 'used up' });
    expect(await countRecords(test)).toEqual(before);
  });
});
