import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { countRecords, eventOf, eventsOf, expectRefused, recordOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;
const clients: EstClient[] = [];

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, settings: { failedAuthenticationsPerMinute: '10000' } });
  await applyYaml(test, policyLike('other'));
  await applyYaml(test, policyLike('waiting', 'approval: manual'));
  est = client(fleetPasscode);
});
afterAll(async () => {
  for (const each of clients) each.close();
  await test.close();
});

function client(passcode: string, label = 'fleet'): EstClient {
  const made = createEstClient(test, { label, passcode });
  clients.push(made);
  return made;
}

describe('an EST request that is repeated (RFC 7030 4.2.3)', () => {
  it('gets the same certificate, whatever its signature is', async () => {
    const key = newKey();
    const request = () =>
      makeCsr({ key, subject: 'CN=repeated', alternatives: [{ type: 'dns', value: 'repeated.example' }] });
    const first = certificateOf(await est.post('simpleenroll', request()));
    const before = await countRecords(test);
    const second = await est.post('simpleenroll', request());
    expect(certificateOf(second).raw).toEqual(first.raw);
    expect(await countRecords(test)).toEqual(before);
  });

  it('fifty times at once, gets one certificate', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=fifty' });
    const before = await countRecords(test);
    const answers = await Promise.all(Array.from({ length: 50 }, () => est.post('simpleenroll', csr)));
    expect(new Set(answers.map((answer) => certificateOf(answer).serialNumber)).size).toBe(1);
    const after = await countRecords(test);
    expect(after).toEqual({
      certificates: before.certificates + 1,
      devices: before.devices + 1,
      transactions: before.transactions + 1,
    });
  });

  it('fifty times at once with a one-time passcode, gets one certificate', async () => {
    const once = client(await makePasscode(test, { usageLimit: 1 }));
    const csr = makeCsr({ key: newKey(), subject: 'CN=fifty-once' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => once.post('simpleenroll', csr)));
    expect(new Set(answers.map((answer) => certificateOf(answer).serialNumber)).size).toBe(1);
  });

  it('with another key, gets another certificate', async () => {
    const [first, second] = await Promise.all(
      [newKey(), newKey()].map((key) => est.post('simpleenroll', makeCsr({ key, subject: 'CN=two-keys' }))),
    );
    if (first === undefined || second === undefined) throw new Error('no answers');
    expect(certificateOf(first).serialNumber).not.toBe(certificateOf(second).serialNumber);
    expect((await recordOf(test, certificateOf(first))).deviceId).toBe(
      (await recordOf(test, certificateOf(second))).deviceId,
    );
  });

  it('of ten devices with the same key at once, is answered to one of them', async () => {
    const key = newKey();
    const names = Array.from({ length: 10 }, (_, index) => `CN=shared-key-${index}`);
    const answers = await Promise.all(names.map((subject) => est.post('simpleenroll', makeCsr({ key, subject }))));
    const [issued, ...others] = answers.toSorted((a, b) => a.status - b.status);
    expect(issued?.status).toBe(200);
    for (const refused of others)
      await expectRefused(test, refused, { status: 400, code: 'unacceptable-key', says: 'of another device' });
  });

  it('with other names, gets another certificate', async () => {
    const key = newKey();
    const first = certificateOf(await est.post('simpleenroll', makeCsr({ key, subject: 'CN=names' })));
    const alternatives = [{ type: 'dns', value: 'names.example' }] as const;
    const second = certificateOf(await est.post('simpleenroll', makeCsr({ key, subject: 'CN=names', alternatives })));
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect(second.subjectAltName).toBe('DNS:names.example');
  });

  it('at another label, is another request', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=labels' });
    const first = certificateOf(await est.post('simpleenroll', csr));
    expect(certificateOf(await client(fleetPasscode, 'other').post('simpleenroll', csr)).serialNumber).not.toBe(
      first.serialNumber,
    );
  });

  it('by another requester, is not answered with what was made for the first', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=requesters' });
    const first = certificateOf(await est.post('simpleenroll', csr));
    const other = client(await makePasscode(test, {}));
    expect(certificateOf(await other.post('simpleenroll', csr)).serialNumber).not.toBe(first.serialNumber);
  });

  it('after its certificate was revoked, stands for itself again', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=revoked' });
    const first = certificateOf(await est.post('simpleenroll', csr));
    const { id, issuerId, crlPartition } = await recordOf(test, first);
    const { store } = test.gateway.core;
    await store.commit({
      statements: [
        store.certificates.revoke({ id, revokedAt: Date.now(), revocationReason: 4, invalidityDate: null }),
        store.crls.markChanged({ issuerId, partition: crlPartition, at: Date.now() }),
      ],
      audit: [],
    });
    expect(certificateOf(await est.post('simpleenroll', csr)).serialNumber).not.toBe(first.serialNumber);
  });
});

describe('a passcode with a limit', () => {
  it.each([1, 5])('of %d opens exactly so many of fifty enrollments at once', async (usageLimit) => {
    const limited = client(await makePasscode(test, { usageLimit }));
    const before = await countRecords(test);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        limited.post('simpleenroll', makeCsr({ key: newKey(), subject: `CN=race-${usageLimit}-${i}` })),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(usageLimit);
    expect(statuses.filter((status) => status === 401)).toHaveLength(50 - usageLimit);
    const after = await countRecords(test);
    expect(after).toEqual({
      certificates: before.certificates + usageLimit,
      devices: before.devices + usageLimit,
      transactions: before.transactions + usageLimit,
    });
    for (const answer of answers) {
      if (answer.status === 401) await expectRefused(test, answer, { status: 401, code: 'bad-secret' });
      else expect(await eventOf(test, answer)).toMatchObject({ action: 'certificate.issued' });
    }
  });

  it.each([1, 5])('of %d opens exactly so many of fifty enrollments of one device at once', async (usageLimit) => {
    const limited = client(await makePasscode(test, { usageLimit }));
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        limited.post('simpleenroll', makeCsr({ key: newKey(), subject: `CN=one-device-${usageLimit}` })),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect([...new Set(statuses)].sort()).toEqual([200, 401]);
    expect(statuses.filter((status) => status === 200)).toHaveLength(usageLimit);
  });

  it('that is used up still gets the answer to its own request, and opens nothing else', async () => {
    const once = client(await makePasscode(test, { usageLimit: 1 }));
    const csr = makeCsr({ key: newKey(), subject: 'CN=once' });
    const first = certificateOf(await once.post('simpleenroll', csr));
    expect(certificateOf(await once.post('simpleenroll', csr)).raw).toEqual(first.raw);
    const other = await once.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=once' }));
    await expectRefused(test, other, { status: 401, code: 'bad-secret', says: 'used up' });
    expect(other.headers['www-authenticate']).toMatch(/^Basic realm=/);
  });

  it('is not used by a request that was refused', async () => {
    const once = client(await makePasscode(test, { usageLimit: 1 }));
    expect((await once.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=not_allowed' }))).status).toBe(400);
    certificateOf(await once.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=allowed' })));
  });

  it('is used by a request that waits for approval, once', async () => {
    const once = client(await makePasscode(test, { usageLimit: 1 }), 'waiting');
    const csr = makeCsr({ key: newKey(), subject: 'CN=waiting' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => once.post('simpleenroll', csr)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
    expect((await eventsOf(test, 'request.pending')).length).toBe(1);
    await expectRefused(test, await once.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=waiting-2' })), {
      status: 401,
      code: 'bad-secret',
    });
  });
});

describe('the audit log', () => {
  it('is an intact chain after all of this', async () => {
    expect(await test.gateway.core.store.audit.verifyChain({ from: 1, limit: 100_000 })).toMatchObject({
      intact: true,
    });
  });
});
