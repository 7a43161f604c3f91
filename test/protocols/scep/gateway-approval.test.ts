import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../../src/enrollment/approve.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { newKey, rsaKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, eventsOf, recordOf } from '../../support/records.js';
import {
  createScepClient,
  issuedBy,
  type ScepClient,
  type ScepOutcome,
  type ScepWish,
} from '../../support/scep-client.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients = new Map<string, ScepClient>();
const clock = createTestClock();

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, policyLike('manual', 'approval: manual, approvalTimeout: 2d'));
  await applyYaml(test, policyLike('two', 'approval: two-people'));
});
afterAll(async () => {
  disconnect();
  await test.close();
});

function connect(label = 'manual'): ScepClient {
  const client = clients.get(label) ?? createScepClient(test, { label });
  clients.set(label, client);
  return client;
}

function disconnect(): void {
  for (const client of clients.values()) client.close();
  clients.clear();
}

/** Asks for a certificate, and returns the wish with the id that it waits under. */
async function ask(
  name: string,
  wish: Partial<ScepWish> = {},
  label = 'manual',
): Promise<{ wish: ScepWish; requestId: string }> {
  const whole = { key: newKey(), subject: `CN=${name}`, challenge: fleetPasscode, ...wish };
  const outcome = await connect(label).enroll(whole);
  expectPending(outcome);
  return { wish: whole, requestId: outcome.answer.requestId };
}

function expectPending({ answer, reply }: ScepOutcome): void {
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/x-pki-message']);
  expect(reply).toMatchObject({ pkiStatus: 'PENDING', certificates: [], signer: { isValid: true } });
  expect(reply?.envelope).toBeUndefined();
}

const unknownTransaction = { failInfo: 'badCertId', code: 'not-found', says: 'no such request' } as const;

describe('SCEP with manual approval (RFC 8894 3.3.2.3)', () => {
  it('answers PENDING without content, and issues nothing', async () => {
    const before = await countRecords(test);
    const { wish } = await ask('patient');
    expectPending(await connect().poll(wish));
    expect(await countRecords(test)).toEqual({ ...before, transactions: before.transactions + 1 });
  });

  it('answers a repeated PKCSReq with PENDING too, without another request to approve', async () => {
    const { wish } = await ask('repeats');
    const before = await countRecords(test);
    expectPending(await connect().enroll(wish));
    expect(await countRecords(test)).toEqual(before);
  });
});

describe('SCEP CertPoll (RFC 8894 3.3.3)', () => {
  it.each([
    ['EC', newKey()],
    ['RSA', rsaKey],
  ])('of an %s key gives the certificate after the approval, to each poll and repeat', async (type, key) => {
    const { wish, requestId } = await ask(`approved-${type}`, { key });
    expectPending(await connect().poll(wish));
    const result = await approveRequest(requestId, by('alice'), test.gateway.core);
    const certificate = issuedBy(await connect().poll(wish));
    expect(certificate.checkPrivateKey(wish.key.privateKey)).toBe(true);
    expect(result).toEqual({ outcome: 'issued', serialNumber: (await recordOf(test, certificate)).serialNumber });
    const before = await countRecords(test);
    expect(issuedBy(await connect().poll({ ...wish, method: 'GET' })).raw).toEqual(certificate.raw);
    expect(issuedBy(await connect().enroll(wish)).raw).toEqual(certificate.raw);
    expect(await countRecords(test)).toEqual(before);
    expect((await eventsOf(test, 'request.approved'))[0]?.content).toContain('"alice"');
  });

  it('mirrors the algorithms of the poll', async () => {
    const { wish, requestId } = await ask('mirrored', {
      key: rsaKey,
      subject: 'CN=approved-RSA',
      transactionId: 'mirror',
    });
    await approveRequest(requestId, by('alice'), test.gateway.core);
    const { reply } = await connect().poll({
      ...wish,
      message: { cipher: 'aes-256-cbc', digest: 'sha512', keyTransport: 'rsa-oaep-sha256' },
    });
    expect(reply).toMatchObject({
      pkiStatus: 'SUCCESS',
      signer: { digest: 'sha512' },
      envelope: { cipher: 'aes-256-cbc', recipient: 'rsa-oaep-sha256' },
    });
  });

  it('goes on after restarts of the gateway, before the approval and behind it', async () => {
    const { wish, requestId } = await ask('restarted');
    await restart();
    expectPending(await connect().poll(wish));
    await approveRequest(requestId, by('alice'), test.gateway.core);
    await restart();
    expect(issuedBy(await connect().poll(wish)).subject).toBe('CN=restarted');
  });

  it('is FAILURE after a rejection, and says why', async () => {
    const { wish, requestId } = await ask('rejected');
    await rejectRequest(requestId, by('bob', 'not one of ours'), test.gateway.core);
    const rejected = { failInfo: 'badRequest', code: 'forbidden', says: 'rejected: not one of ours' } as const;
    await expectFailure(test, await connect().poll(wish), rejected);
    await expectFailure(test, await connect().enroll(wish), rejected);
    await restart();
    await expectFailure(test, await connect().poll(wish), rejected);
  });

  it('is badCertId for an unknown transaction', async () => {
    const { wish } = await ask('known');
    const before = await countRecords(test);
    await expectFailure(test, await connect().poll({ ...wish, transactionId: 'unknown' }), unknownTransaction);
    expect(await countRecords(test)).toEqual(before);
  });

  it.each(['while it waits', 'when it is approved'])('is badCertId for another key, %s', async (when) => {
    const { wish, requestId } = await ask(`mine ${when}`, { transactionId: `mine ${when}` });
    if (when === 'when it is approved') await approveRequest(requestId, by('alice'), test.gateway.core);
    await expectFailure(test, await connect().poll({ ...wish, key: newKey() }), unknownTransaction);
  });

  it('is badCertId at another policy', async () => {
    const { wish } = await ask('elsewhere');
    await expectFailure(test, await connect('two').poll(wish), unknownTransaction);
  });

  it('needs the challenge no more: it may be used up, expired or wrong by then', async () => {
    const challenge = await makePasscode(test, { usageLimit: 1, expiresInSeconds: 3600 });
    const { wish, requestId } = await ask('spent', { challenge });
    await expectFailure(test, await connect().enroll({ key: newKey(), subject: 'CN=second', challenge }), {
      failInfo: 'badRequest',
      code: 'bad-secret',
    });
    expectPending(await connect().poll(wish));
    await approveRequest(requestId, by('alice'), test.gateway.core);
    clock.advance(7200);
    const certificate = issuedBy(await connect().poll(wish));
    expect(issuedBy(await connect().enroll({ ...wish, challenge: 'no longer looked at' })).raw).toEqual(
      certificate.raw,
    );
  });

  it('is badCertId when nobody approved in time; asked again, it is a new request', async () => {
    const { wish } = await ask('forgotten');
    clock.advance(2 * daySeconds);
    await expectFailure(test, await connect().poll(wish), unknownTransaction);
    const again = await ask('forgotten', wish);
    await approveRequest(again.requestId, by('alice'), test.gateway.core);
    expect(issuedBy(await connect().poll(wish)).subject).toBe('CN=forgotten');
  });

  it('of a key that can only sign has no challenge to encrypt with: it repeats its request instead', async () => {
    const key = generateKeyPairSync('ed25519');
    const { wish, requestId } = await ask('ed25519', { key });
    const refusal = { failInfo: 'badAlg', code: 'unsupported-algorithm', says: 'challengePassword' } as const;
    await expectFailure(test, await connect().poll(wish), refusal);
    await approveRequest(requestId, by('alice'), test.gateway.core);
    const outcome = await connect().enroll(wish);
    expect(outcome.reply?.envelope?.recipient).toBe('password');
    expect(issuedBy(outcome).subject).toBe('CN=ed25519');
  });
});

describe('a SCEP renewal with manual approval', () => {
  it('waits, and is polled for with the certificate that asked', async () => {
    const first = await ask('renewing');
    await approveRequest(first.requestId, by('alice'), test.gateway.core);
    const certificate = issuedBy(await connect().poll(first.wish));
    const identity = { chain: [certificate.raw], privateKey: first.wish.key.privateKey };
    const renewal = { key: newKey(), subject: 'CN=renewing', identity };
    const outcome = await connect().renew(renewal);
    expectPending(outcome);
    expectPending(await connect().poll(renewal));
    await expectFailure(test, await connect().poll({ key: renewal.key, subject: renewal.subject }), unknownTransaction);
    await approveRequest(outcome.answer.requestId, by('alice'), test.gateway.core);
    const next = issuedBy(await connect().poll(renewal));
    expect(next.checkPrivateKey(renewal.key.privateKey)).toBe(true);
    expect((await recordOf(test, next)).replaces).toBe((await recordOf(test, certificate)).id);
  });
});

describe('SCEP with the approval of two people', () => {
  it('stays PENDING until the second has approved', async () => {
    const { wish, requestId } = await ask('two', {}, 'two');
    expect(await approveRequest(requestId, by('alice'), test.gateway.core)).toEqual({ outcome: 'waiting' });
    expectPending(await connect('two').poll(wish));
    expect(await approveRequest(requestId, by('bob'), test.gateway.core)).toMatchObject({ outcome: 'issued' });
    expect(issuedBy(await connect('two').poll(wish)).subject).toBe('CN=two');
  });
});

async function restart(): Promise<void> {
  disconnect();
  test = await test.restart();
}
