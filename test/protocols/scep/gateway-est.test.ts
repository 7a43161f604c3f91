/** One device, several protocols: all end in the one enrollment flow. */
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { certificateOf, createEstClient, type TlsIdentity } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey, rsaKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { expectRefused, recordOf } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient } from '../../support/scep-client.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let scep: ScepClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('manual', 'approval: manual'));
  scep = createScepClient(test, { label: 'fleet' });
});
afterAll(async () => {
  scep.close();
  await test.close();
});

const keys: [string, () => KeyPair, string][] = [
  ['an RSA key', () => rsaKey, 'CN=rsa device'],
  ['an EC key', newKey, 'CN=ec device'],
];

function identityOf(certificate: X509Certificate, { privateKey }: KeyPair): TlsIdentity {
  return { chain: [certificate.raw], privateKey };
}

async function overEst(operation: string, csr: Uint8Array, options: Parameters<typeof createEstClient>[1] = {}) {
  const est = createEstClient(test, { label: 'fleet', ...options });
  const answer = await est.post(operation, csr);
  est.close();
  return answer;
}

async function expectSuccession(next: X509Certificate, previous: X509Certificate, protocol: string): Promise<void> {
  const [old, record] = [await recordOf(test, previous), await recordOf(test, next)];
  expect(record).toMatchObject({ replaces: old.id, deviceId: old.deviceId, protocol, usage: 'operational' });
  expect(next.subject).toBe(previous.subject);
}

describe('a device with several protocols', () => {
  it.each(keys)('with %s enrolls by SCEP, renews by EST over TLS, then by SCEP again', async (_, makeKey, subject) => {
    const key = makeKey();
    const first = issuedBy(await scep.enroll({ key, subject, challenge: fleetPasscode }));
    const secondKey = newKey();
    const csr = makeCsr({ key: secondKey, subject });
    const second = certificateOf(await overEst('simplereenroll', csr, { identity: identityOf(first, key) }));
    await expectSuccession(second, first, 'est');
    const wish = { key: newKey(), subject, identity: identityOf(second, secondKey) };
    await expectSuccession(issuedBy(await scep.renew(wish)), second, 'scep');
  });

  it.each(keys)('with %s enrolls by EST, renews by SCEP, then by EST again', async (_, makeKey, name) => {
    const key = makeKey();
    const subject = key === rsaKey ? name : `${name} 2`;
    const passcode = fleetPasscode;
    const first = certificateOf(await overEst('simpleenroll', makeCsr({ key, subject, hash: 'sha384' }), { passcode }));
    const secondKey = newKey();
    const wish = { key: secondKey, subject, identity: identityOf(first, key), transactionId: `est first ${name}` };
    const second = issuedBy(await scep.renew(wish));
    await expectSuccession(second, first, 'scep');
    const csr = makeCsr({ key: newKey(), subject });
    const third = certificateOf(await overEst('simplereenroll', csr, { identity: identityOf(second, secondKey) }));
    await expectSuccession(third, second, 'est');
  });

  it('has one use of a one-time passcode over both', async () => {
    const passcode = await makePasscode(test, { usageLimit: 1 });
    issuedBy(await scep.enroll({ key: newKey(), subject: 'CN=scep first', challenge: passcode }));
    const csr = makeCsr({ key: newKey(), subject: 'CN=est second' });
    await expectRefused(test, await overEst('simpleenroll', csr, { passcode }), { status: 401, code: 'bad-secret' });
    const other = await makePasscode(test, { usageLimit: 1 });
    certificateOf(
      await overEst('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=est first' }), { passcode: other }),
    );
    await expectFailure(test, await scep.enroll({ key: newKey(), subject: 'CN=scep second', challenge: other }), {
      failInfo: 'badRequest',
      code: 'bad-secret',
    });
  });

  it('may use the passcode of both at the same instant once', async () => {
    const passcode = await makePasscode(test, { usageLimit: 1 });
    const attempts = Array.from({ length: 10 }, (_, i) => i);
    const [byScep, byEst] = await Promise.all([
      Promise.all(attempts.map((i) => scep.enroll({ key: newKey(), subject: `CN=scep-${i}`, challenge: passcode }))),
      Promise.all(
        attempts.map((i) => overEst('simpleenroll', makeCsr({ key: newKey(), subject: `CN=est-${i}` }), { passcode })),
      ),
    ]);
    const successes =
      byScep.filter(({ reply }) => reply?.pkiStatus === 'SUCCESS').length +
      byEst.filter(({ status }) => status === 200).length;
    expect(successes).toBe(1);
  });

  it('cannot have the answer of a request that waits over the one by asking over the other', async () => {
    const key = newKey();
    const wish = { key, subject: 'CN=waiting', challenge: fleetPasscode };
    const client = createScepClient(test, { label: 'manual' });
    const { answer, reply } = await client.enroll(wish);
    expect(reply?.pkiStatus).toBe('PENDING');
    const csr = makeCsr({ key, subject: 'CN=waiting' });
    const pending = await overEst('simpleenroll', csr, { label: 'manual', passcode: fleetPasscode });
    expect(pending.status).toBe(202);
    await approveRequest(answer.requestId, by('alice'), test.gateway.core);
    expect(issuedBy(await client.poll(wish)).subject).toBe('CN=waiting');
    expect((await overEst('simpleenroll', csr, { label: 'manual', passcode: fleetPasscode })).status).toBe(202);
    client.close();
  });
});
