import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { newKey, rsaKey } from '../../support/make-csr.js';
import { operator } from '../../support/operator.js';
import { countRecords, recordOf } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient, type ScepWish } from '../../support/scep-client.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let scep: ScepClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock, settings: { failedAuthenticationsPerMinute: '10000' } });
  await applyYaml(test, policyLike('other'));
  scep = createScepClient(test, { label: 'fleet' });
});
afterAll(async () => {
  scep.close();
  await test.close();
});

const secretRefusal = { failInfo: 'badRequest', code: 'bad-secret' } as const;

describe('a SCEP request that is repeated (RFC 8894 2.3: the same transactionID)', () => {
  it.each([
    ['EC', newKey()],
    ['RSA', rsaKey],
  ])(
    'by an %s key gets the same certificate, whatever nonce, signature, cipher and challenge it has',
    async (type, key) => {
      const wish = {
        key,
        subject: `CN=repeated-${type}`,
        alternatives: [{ type: 'dns', value: 'a.example' }] as const,
      };
      const first = issuedBy(await scep.enroll({ ...wish, challenge: fleetPasscode }));
      const before = await countRecords(test);
      const message = { cipher: 'aes-256-cbc', digest: 'sha512' } as const;
      expect(issuedBy(await scep.enroll({ ...wish, challenge: fleetPasscode, message })).raw).toEqual(first.raw);
      expect(issuedBy(await scep.enroll({ ...wish, challenge: 'another', method: 'GET' })).raw).toEqual(first.raw);
      expect(issuedBy(await scep.enroll({ ...wish, message: { type: 'RenewalReq' } })).raw).toEqual(first.raw);
      expect(await countRecords(test)).toEqual(before);
    },
  );

  it('by a device that missed the answer may be polled for too', async () => {
    const wish = { key: newKey(), subject: 'CN=polled', challenge: fleetPasscode };
    const first = issuedBy(await scep.enroll(wish));
    expect(issuedBy(await scep.poll(wish)).raw).toEqual(first.raw);
  });

  it('fifty times at once, gets one certificate', async () => {
    const challenge = await makePasscode(test, { usageLimit: 1 });
    const wish = { key: newKey(), subject: 'CN=fifty', challenge };
    const before = await countRecords(test);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => scep.enroll(wish)));
    expect(new Set(outcomes.map((outcome) => issuedBy(outcome).serialNumber)).size).toBe(1);
    expect(await countRecords(test)).toEqual({
      certificates: before.certificates + 1,
      devices: before.devices + 1,
      transactions: before.transactions + 1,
    });
  });

  it('gets the same certificate also after a restart of the gateway', async () => {
    const challenge = await makePasscode(test, { usageLimit: 1 });
    const wish = { key: newKey(), subject: 'CN=restarted', challenge };
    const first = issuedBy(await scep.enroll(wish));
    const message = await scep.makeRequest(wish);
    scep.close();
    test = await test.restart();
    scep = createScepClient(test, { label: 'fleet' });
    expect(issuedBy(await scep.enroll(wish)).raw).toEqual(first.raw);
    expect(issuedBy(await scep.poll(wish)).raw).toEqual(first.raw);
    const before = await countRecords(test);
    // Also the very message of before: the RA key that it is encrypted to is kept.
    expect((await scep.pkiOperation(message)).status).toBe(200);
    expect(await countRecords(test)).toEqual(before);
  });

  it('goes through when the challenge that opened it is used up or has expired since', async () => {
    const challenge = await makePasscode(test, { usageLimit: 1, expiresInSeconds: 60 });
    const wish = { key: newKey(), subject: 'CN=spent', challenge };
    const first = issuedBy(await scep.enroll(wish));
    expect(issuedBy(await scep.enroll(wish)).raw).toEqual(first.raw);
    await expectFailure(test, await scep.enroll({ ...wish, transactionId: 'a new one' }), secretRefusal);
    clock.advance(120);
    expect(issuedBy(await scep.enroll(wish)).raw).toEqual(first.raw);
    expect(issuedBy(await scep.poll(wish)).raw).toEqual(first.raw);
    await expectFailure(test, await scep.enroll({ ...wish, transactionId: 'another one' }), secretRefusal);
  });

  it('has its answer as long as a copy of it would pass for a new one by its signing time', async () => {
    const signingTime = clock.now();
    const wish = { key: newKey(), subject: 'CN=captured', challenge: fleetPasscode, message: { signingTime } };
    const first = issuedBy(await scep.enroll(wish));
    clock.advance(86_000);
    expect(issuedBy(await scep.enroll(wish)).raw).toEqual(first.raw);
    clock.advance(86_000);
    await expectFailure(test, await scep.enroll(wish), { failInfo: 'badTime', code: 'stale-message' });
  });
});

describe('a SCEP request that only looks like a repeat', () => {
  const others: [string, Partial<ScepWish>, label?: string][] = [
    ['transactionID', { transactionId: 'another' }],
    ['alternative name', { alternatives: [{ type: 'dns', value: 'b.example' }] }],
    ['label', {}, 'other'],
  ];

  it.each(others)('has another %s, and so another certificate', async (what, changes, label = 'fleet') => {
    const wish = { key: newKey(), subject: `CN=another ${what}`, challenge: fleetPasscode };
    const first = issuedBy(await scep.enroll(wish));
    const client = createScepClient(test, { label });
    expect(issuedBy(await client.enroll({ ...wish, ...changes })).serialNumber).not.toBe(first.serialNumber);
    client.close();
  });

  it('has another key: it needs a challenge of its own, and gets nothing of the first', async () => {
    const challenge = await makePasscode(test, { usageLimit: 1 });
    const wish = { key: newKey(), subject: 'CN=another key', challenge, transactionId: 'shared' };
    const first = issuedBy(await scep.enroll(wish));
    await expectFailure(test, await scep.enroll({ ...wish, key: newKey() }), secretRefusal);
    const second = issuedBy(await scep.enroll({ ...wish, key: newKey(), challenge: fleetPasscode }));
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  it('comes after the certificate was revoked: it may be a copy, so that the device has to begin anew', async () => {
    const wish = { key: newKey(), subject: 'CN=revoked', challenge: fleetPasscode };
    const { issuerId, serialNumber } = await recordOf(test, issuedBy(await scep.enroll(wish)));
    await revokeCertificate(
      { issuerId, serialNumber, reason: 'superseded', actor: operator('test') },
      test.gateway.core,
    );
    await expectFailure(test, await scep.enroll(wish), { failInfo: 'badRequest', code: 'revoked-requester' });
    issuedBy(await scep.enroll({ ...wish, key: newKey() }));
  });
});

describe('a one-time challenge', () => {
  it('opens exactly one of fifty enrollments of as many devices at once', async () => {
    const challenge = await makePasscode(test, { usageLimit: 1 });
    const before = await countRecords(test);
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => scep.enroll({ key: newKey(), subject: `CN=race-${i}`, challenge })),
    );
    const [issued, ...refused] = outcomes.toSorted((a, b) => (a.certificate ? 0 : 1) - (b.certificate ? 0 : 1));
    expect(issued && issuedBy(issued).subject).toMatch(/^CN=race-\d+$/);
    for (const outcome of refused) await expectFailure(test, outcome, secretRefusal);
    expect(await countRecords(test)).toEqual({
      certificates: before.certificates + 1,
      devices: before.devices + 1,
      transactions: before.transactions + 1,
    });
  });
});

describe('a SCEP renewal that is repeated', () => {
  it('twenty times at once, gets one successor, and later again', async () => {
    const key = newKey();
    const certificate = issuedBy(await scep.enroll({ key, subject: 'CN=renewed', challenge: fleetPasscode }));
    const identity = { chain: [certificate.raw], privateKey: key.privateKey };
    const wish = { key: newKey(), subject: 'CN=renewed', identity };
    const before = await countRecords(test);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => scep.renew(wish)));
    const [first, ...others] = new Set(outcomes.map((outcome) => issuedBy(outcome).serialNumber));
    expect(others).toEqual([]);
    expect(await countRecords(test)).toEqual({
      ...before,
      certificates: before.certificates + 1,
      transactions: before.transactions + 1,
    });
    expect(issuedBy(await scep.renew(wish)).serialNumber).toBe(first);
    expect(issuedBy(await scep.enroll(wish)).serialNumber).toBe(first);
    expect(issuedBy(await scep.poll(wish)).serialNumber).toBe(first);
  });
});

describe('the audit log', () => {
  it('is an intact chain after all of this', async () => {
    const chain = await test.gateway.core.store.audit.verifyChain({ from: 1, limit: 100_000 });
    expect(chain).toMatchObject({ intact: true });
  });
});
