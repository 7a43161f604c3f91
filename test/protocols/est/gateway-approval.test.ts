import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { revokeCredential } from '../../../src/catalog/credentials.js';
import { approveRequest, rejectRequest } from '../../../src/enrollment/approve.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { by, testActor } from '../../support/operator.js';
import { countRecords, eventsOf, expectRefused, recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, policyLike('manual', 'approval: manual, pollInterval: 10s, approvalTimeout: 2d'));
  await applyYaml(test, policyLike('two', 'approval: two-people'));
  await connect();
});
afterAll(async () => {
  est.close();
  await test.close();
});

async function connect(): Promise<void> {
  est = createEstClient(test, { label: 'manual', passcode: fleetPasscode });
}

function post(csr: Uint8Array, label = 'manual', operation = 'simpleenroll') {
  return est.send(`/.well-known/est/${label}/${operation}`, {
    method: 'POST',
    headers: { 'content-type': 'application/pkcs10' },
    body: Buffer.from(csr).toString('base64'),
  });
}

/** Asks for a certificate, and returns the request and the id that it waits under. */
async function ask(
  subject: string,
  label = 'manual',
  operation = 'simpleenroll',
): Promise<{ csr: Uint8Array; requestId: string }> {
  const csr = makeCsr({ key: newKey(), subject });
  const answer = await post(csr, label, operation);
  expect(answer.status).toBe(202);
  return { csr, requestId: answer.requestId };
}

describe('EST with manual approval (RFC 7030 4.2.3)', () => {
  it('answers 202 with Retry-After and one sentence, and issues nothing', async () => {
    const before = await countRecords(test);
    const answer = await post(makeCsr({ key: newKey(), subject: 'CN=patient' }));
    expect(answer.status).toBe(202);
    expect(answer.headers['retry-after']).toBe('10');
    expect(answer.text).toBe('the request waits for approval; repeat it later\n');
    expect(await countRecords(test)).toEqual({ ...before, transactions: before.transactions + 1 });
  });

  it('answers a repeat while it waits with 202 again, without another request to approve', async () => {
    const { csr } = await ask('CN=repeats');
    const before = await countRecords(test);
    expect((await post(csr)).status).toBe(202);
    expect(await countRecords(test)).toEqual(before);
  });

  it('survives a restart of the gateway, and gives the certificate after the approval', async () => {
    const { csr, requestId } = await ask('CN=restarted');
    est.close();
    test = await test.restart();
    await connect();
    expect((await post(csr)).status).toBe(202);
    const result = await approveRequest(requestId, by('alice'), test.gateway.core);
    const certificate = certificateOf(await post(csr));
    expect(result).toEqual({ outcome: 'issued', serialNumber: (await recordOf(test, certificate)).serialNumber });
    expect(certificate.subject).toBe('CN=restarted');
    expect(certificateOf(await post(csr)).raw).toEqual(certificate.raw);
    expect((await eventsOf(test, 'request.approved'))[0]?.content).toContain('"alice"');
  });

  it('tells the device that it was rejected, and why', async () => {
    const { csr, requestId } = await ask('CN=rejected');
    await rejectRequest(requestId, by('bob', 'not one of ours'), test.gateway.core);
    await expectRefused(test, await post(csr), { status: 403, code: 'forbidden', says: 'rejected: not one of ours' });
    await expect(approveRequest(requestId, by('alice'), test.gateway.core)).rejects.toMatchObject({
      code: 'invalid-state',
    });
  });

  it('approves a request once', async () => {
    const { requestId } = await ask('CN=at-once');
    const results = await Promise.allSettled(
      ['alice', 'bob', 'carol'].map((who) => approveRequest(requestId, by(who), test.gateway.core)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const issued = await test.gateway.core.store.certificates.list({ limit: 100 });
    expect(issued.filter(({ subject }) => subject === 'CN=at-once')).toHaveLength(1);
  });

  it('judges an approved request by the rules of then', async () => {
    const { requestId } = await ask('CN=judged');
    await applyYaml(test, policyLike('manual', 'enabled: false, approval: manual'));
    await expect(approveRequest(requestId, by('alice'), test.gateway.core)).rejects.toMatchObject({
      code: 'forbidden',
    });
    await applyYaml(
      test,
      policyLike('manual', 'enabled: true, approval: manual, pollInterval: 10s, approvalTimeout: 2d'),
    );
    expect(await approveRequest(requestId, by('alice'), test.gateway.core)).toMatchObject({ outcome: 'issued' });
  });

  it('does not approve what a revoked passcode asked for', async () => {
    const passcode = await makePasscode(test, {});
    const [record] = (await test.gateway.core.store.credentials.listByPolicy({ authenticationPolicy: 'fleet' })).filter(
      ({ name }) => name.startsWith('passcode-'),
    );
    const own = createEstClient(test, { label: 'manual', passcode });
    const { requestId } = await own.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=lost-passcode' }));
    own.close();
    await revokeCredential(
      { authenticationPolicy: 'fleet', name: record?.name ?? '' },
      { ...test.gateway.core, actor: testActor },
    );
    await expect(approveRequest(requestId, by('alice'), test.gateway.core)).rejects.toMatchObject({
      code: 'invalid-state',
    });
  });

  it('lets a request that nobody approved in time expire; asked again, it is a new one', async () => {
    const { csr, requestId } = await ask('CN=forgotten');
    clock.advance(2 * daySeconds);
    await expect(approveRequest(requestId, by('alice'), test.gateway.core)).rejects.toMatchObject({
      code: 'invalid-state',
    });
    const again = await post(csr);
    expect(again.status).toBe(202);
    expect(await approveRequest(again.requestId, by('alice'), test.gateway.core)).toMatchObject({ outcome: 'issued' });
    certificateOf(await post(csr));
  });

  it('makes key and certificate of serverkeygen only when they are picked up', async () => {
    const { csr, requestId } = await ask('CN=made-later', 'manual', 'serverkeygen');
    const before = await countRecords(test);
    expect(await approveRequest(requestId, by('alice'), test.gateway.core)).toEqual({ outcome: 'ready' });
    expect((await countRecords(test)).certificates).toBe(before.certificates);
    const answer = await post(csr, 'manual', 'serverkeygen');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^multipart\/mixed/);
    expect((await countRecords(test)).certificates).toBe(before.certificates + 1);
  });
});

describe('EST with the approval of two people', () => {
  it('issues after the second one, who is another one', async () => {
    const { core } = test.gateway;
    const { csr, requestId } = await ask('CN=two', 'two');
    expect(await approveRequest(requestId, by('alice'), core)).toEqual({ outcome: 'waiting' });
    expect((await post(csr, 'two')).status).toBe(202);
    await expect(approveRequest(requestId, by('alice'), core)).rejects.toMatchObject({ code: 'invalid-state' });
    expect((await post(csr, 'two')).status).toBe(202);
    expect(await approveRequest(requestId, by('bob'), core)).toMatchObject({ outcome: 'issued' });
    expect(certificateOf(await post(csr, 'two')).subject).toBe('CN=two');
  });

  it('does not take two approvals of one person at once for two', async () => {
    const { core } = test.gateway;
    const { csr, requestId } = await ask('CN=twice', 'two');
    await Promise.allSettled([
      approveRequest(requestId, by('alice'), core),
      approveRequest(requestId, by('alice'), core),
    ]);
    expect((await post(csr, 'two')).status).toBe(202);
  });

  it('can be ended by one who rejects', async () => {
    const { core } = test.gateway;
    const { csr, requestId } = await ask('CN=halfway', 'two');
    await approveRequest(requestId, by('alice'), core);
    await rejectRequest(requestId, by('bob'), core);
    await expectRefused(test, await post(csr, 'two'), { status: 403, code: 'forbidden', says: 'rejected' });
  });
});
