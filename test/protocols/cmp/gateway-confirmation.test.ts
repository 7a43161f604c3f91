import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sequence } from '../../../src/x509/der-writer.js';
import { certStatus } from '../../support/cmp/bodies.js';
import type { CmpClient, ConfirmWish } from '../../support/cmp/client.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, powerless, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { expectRevocationsToFollow } from '../../support/crls.js';
import { applyYaml } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { eventOf, eventsOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

const edwards = `
certificateAuthorities:
  - { name: edwards, parent: root, subject: "CN=Edwards,O=Plant", key: ed25519, validity: 10y, pathLength: 0 }
`;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, edwards);
  await applyYaml(test, cmpPolicy('edwards', '', 'issuingCa: edwards'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

/** An ip whose certificate is to be confirmed. */
const unconfirmed = async () => (await enrolled(test, { isLeftUnconfirmed: true })).outcome;

async function statusOf({ certificate }: CmpOutcome) {
  if (certificate === undefined) throw new Error('no certificate');
  const { status, confirmBy, revocationReason } = await recordOf(test, certificate);
  return { status, isConfirmed: confirmBy === null, revocationReason };
}

const isUnconfirmed = { status: 'valid', isConfirmed: false, revocationReason: null };
const isConfirmed = { status: 'valid', isConfirmed: true, revocationReason: null };

/** Expects that the certificate can be confirmed after the refusal. */
async function expectStillOpen(outcome: CmpOutcome): Promise<void> {
  expect(await statusOf(outcome)).toEqual(isUnconfirmed);
  expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
  expect(await statusOf(outcome)).toEqual(isConfirmed);
}

describe('certConf (RFC 9810 5.3.18, RFC 9483 4.1.1) confirms', () => {
  it('with the hash by the signature of the certificate, and is on record', async () => {
    const outcome = await unconfirmed();
    const pkiConf = await client.confirm(outcome);
    expect(pkiConf.body).toEqual({ type: 'pkiconf' });
    expect(pkiConf.message?.header.senderNonce).not.toEqual(outcome.message?.header.senderNonce);
    expect(await statusOf(outcome)).toEqual(isConfirmed);
    expect(await eventOf(test, pkiConf.answer)).toMatchObject({ action: 'certificate.confirmed', outcome: 'success' });
  });

  it('with SHA-512 where the CA signs with Ed25519 (RFC 9481 3.3)', async () => {
    const edwardsClient = createCmpClient(test, { label: 'edwards', credential: byMac });
    const outcome = await edwardsClient.ir({ key: newKey(), subject: 'CN=edwards' });
    expect((await edwardsClient.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
    edwardsClient.close();
  });

  it.each(['sha256', 'sha384', 'sha512', 'sha3-256'] as const)('with hashAlg %s at pvno 3', async (hashAlg) => {
    const outcome = await client.ir({ key: newKey(), subject: `CN=${hashAlg}`, header: { pvno: 3 } });
    const confirmed = await client.confirm(outcome, { hashAlg });
    expect([confirmed.body, confirmed.message?.header.pvno]).toEqual([{ type: 'pkiconf' }, 3]);
    expect(await statusOf(outcome)).toEqual(isConfirmed);
  });

  it('with statusInfo accepted', async () => {
    const outcome = await unconfirmed();
    expect((await client.confirm(outcome, { status: { status: 'accepted' } })).body).toEqual({ type: 'pkiconf' });
  });

  it('by a signature of the credential that began', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=signs'));
    const outcome = await client.ir({ key: newKey(), subject: 'CN=signs', credential });
    expect((await client.confirm(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('a certificate of p10cr with certReqId -1, and with no other', async () => {
    const outcome = await client.p10cr(makeCsr({ key: newKey(), subject: 'CN=p10cr' }));
    await expectRejected(test, () => client.confirm(outcome, { certReqId: 0 }), badRequest);
    await expectStillOpen(outcome);
  });

  it('a certificate after a restart of the gateway', async () => {
    const outcome = await unconfirmed();
    client.close();
    test = await test.restart();
    client = createCmpClient(test, { label: 'cmp', credential: byMac });
    await expectStillOpen(outcome);
  });
});

const badRequest = { failInfo: 'badRequest', code: 'malformed-request' } as const;

describe('certConf rejects', () => {
  it.each<[string, ConfirmWish]>([
    [
      'with a statusInfo',
      { status: { status: 'rejection', failInfo: ['badCertTemplate'], text: 'not what was asked' } },
    ],
    ['with an empty list', { statuses: [] }],
    ['even with a wrong hash', { certHash: randomBytes(32), status: { status: 'rejection' } }],
  ])('%s: the certificate is revoked', async (what, wish) => {
    const outcome = await unconfirmed();
    const { body, answer } = await client.confirm(outcome, wish);
    expect(body).toEqual({ type: 'pkiconf' });
    expect(await eventOf(test, answer)).toMatchObject({ action: 'certificate.rejected', outcome: 'success' });
    expect(await statusOf(outcome)).toMatchObject({ status: 'revoked', revocationReason: 5 });
    const [event] = await eventsOf(test, 'certificate.rejected');
    if (what === 'with a statusInfo') expect(event?.content).toContain('not what was asked');
    await expectRejected(test, () => client.confirm(outcome), {
      failInfo: 'certConfirmed',
      code: 'already-confirmed',
    });
  });
});

describe('certConf is refused', () => {
  it.each<[string, CmpRefusal, ConfirmWish]>([
    ['a wrong hash', { failInfo: 'badCertId', code: 'malformed-request' }, { certHash: randomBytes(32) }],
    ['an empty hash', { failInfo: 'badCertId', code: 'malformed-request' }, { certHash: new Uint8Array() }],
    [
      'hashAlg at pvno 2',
      { failInfo: 'badCertId', code: 'malformed-request' },
      { hashAlg: 'sha256', header: { pvno: 2 } },
    ],
    ['another certReqId', badRequest, { certReqId: 1 }],
    ['certReqId -1 after ir', badRequest, { certReqId: -1 }],
    ['accepted with a failInfo', badRequest, { status: { status: 'accepted', failInfo: ['badRequest'] } }],
    ['another status', badRequest, { status: { status: 'waiting' } }],
    ['no protection', { failInfo: 'badMessageCheck', code: 'invalid-signature' }, unprotected()],
    [
      'a damaged MAC',
      { failInfo: 'badMessageCheck', code: 'bad-secret' },
      { isDamaged: true, unchecked: ['protectionKind'] },
    ],
    [
      'another kind of MAC',
      { failInfo: 'badMessageCheck', code: 'forbidden' },
      { credential: { ...byMac, algorithm: { type: 'pbmac1' } } },
    ],
    [
      'another function in the MAC',
      { failInfo: 'badMessageCheck', code: 'forbidden' },
      { credential: { ...byMac, algorithm: { type: 'pbm', mac: 'sha512' } } },
    ],
    [
      'another one-way function in the MAC',
      { failInfo: 'badMessageCheck', code: 'forbidden' },
      { credential: { ...byMac, algorithm: { type: 'pbm', oneWay: 'sha512' } } },
    ],
    [
      'a signature after a MAC',
      { failInfo: 'wrongIntegrity', code: 'forbidden' },
      { credential: signedBy(vendor.device('O=Vendor,CN=changes')) },
    ],
  ])('with %s, and the right one is taken later', async (_what, refusal, wish) => {
    const outcome = await unconfirmed();
    await expectRejected(test, () => client.confirm(outcome, wish), refusal);
    await expectStillOpen(outcome);
  });

  it('with two certificates', async () => {
    const outcome = await unconfirmed();
    const one = certStatus(outcome.certificate?.raw ?? Buffer.alloc(0));
    await expectRejected(test, () => client.confirm(outcome, { statuses: [one, one] }), badRequest);
    await expectStillOpen(outcome);
  });

  it('with a body that is none', async () => {
    const outcome = await unconfirmed();
    const wish = { previous: outcome };
    await expectRejected(test, () => client.exchange('certConf', sequence(Uint8Array.of(5, 0)), wish), {
      failInfo: 'badDataFormat',
      code: 'malformed-request',
    });
    await expectStillOpen(outcome);
  });

  it('with a MAC after a signature: wrongIntegrity', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=switches'));
    const outcome = await client.ir({ key: newKey(), subject: 'CN=switches', credential });
    await expectRejected(test, () => client.confirm(outcome), { failInfo: 'wrongIntegrity', code: 'forbidden' });
    expect((await client.confirm(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('by another credential of the same kind: badRequest', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=mine'));
    const outcome = await client.ir({ key: newKey(), subject: 'CN=mine', credential });
    for (const other of [signedBy(vendor.device('O=Vendor,CN=other')), powerless]) {
      const send = () => client.confirm(outcome, { credential: other });
      await expectRejected(test, send, { failInfo: 'badRequest', code: 'forbidden' });
    }
    expect((await client.confirm(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('signed with the newly issued certificate: badRequest', async () => {
    const credential = signedBy(vendor.device('O=Vendor,CN=new'));
    const fresh = await enrolled(test, { isLeftUnconfirmed: true, credential });
    const refusal = { failInfo: 'badRequest', code: 'invalid-state' } as const;
    await expectRejected(test, () => client.confirm(fresh.outcome, { credential: fresh.credential }), refusal);
    expect((await client.confirm(fresh.outcome, { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('a second time: certConfirmed, the same octets and new ones', async () => {
    const outcome = await unconfirmed();
    const { certificate } = outcome;
    const content = sequence(certStatus(certificate?.raw ?? Buffer.alloc(0)));
    const { transactionId, senderNonce } = outcome.message?.header ?? {};
    const header = { transactionId: transactionId ?? Buffer.alloc(16), recipNonce: senderNonce ?? Buffer.alloc(16) };
    const { der } = client.make('certConf', content, { header });
    await client.send(der);
    expect(await statusOf(outcome)).toEqual(isConfirmed);
    const again = readMessage((await client.send(der)).body).body;
    expect(again).toMatchObject({ type: 'error', status: { status: 'rejection', failInfo: ['certConfirmed'] } });
    await expectRejected(test, () => client.confirm(outcome, { unchecked: ['recipNonce'] }), {
      failInfo: 'certConfirmed',
      code: 'already-confirmed',
    });
    expect(await statusOf(outcome)).toEqual(isConfirmed);
  });
});

describe('A certificate that nobody confirms', () => {
  it('lapses when its time is over: certConf comes too late', async () => {
    const outcome = await unconfirmed();
    clock.advance(299);
    expect(await statusOf(outcome)).toEqual(isUnconfirmed);
    clock.advance(2);
    const refusal = { failInfo: 'certRevoked', code: 'already-revoked' } as const;
    await expectRejected(test, () => client.confirm(outcome), refusal);
    expect(await statusOf(outcome)).toMatchObject({ status: 'revoked', revocationReason: 5 });
    const { serialNumber } = await recordOf(test, outcome.certificate ?? { fingerprint256: '', serialNumber: '' });
    expect((await eventsOf(test, 'certificate.lapsed'))[0]?.subject).toContain(serialNumber);
  });

  it('is revoked without anybody asking', async () => {
    const outcome = await unconfirmed();
    clock.advance(301);
    for (let tries = 0; tries < 50 && (await statusOf(outcome)).status === 'valid'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await statusOf(outcome)).status).toBe('revoked');
  });

  it('signs no request: badRequest as long as it may be confirmed, certRevoked afterwards', async () => {
    const device = await enrolled(test, { isLeftUnconfirmed: true });
    const wish = { subject: `CN=${device.name}`, credential: device.credential };
    const open = { failInfo: 'badRequest', code: 'invalid-state' } as const;
    await expectRejected(test, () => client.cr({ key: newKey(), ...wish }), open);
    await expectRejected(test, () => client.kur({ key: newKey(), ...wish }), open);
    const raw = device.certificate.raw;
    await expectRejected(test, () => client.revoke({ certificate: raw, ...wish }), { body: 'rp', ...open });
    clock.advance(301);
    const lapsed = { failInfo: 'certRevoked', code: 'revoked-requester' } as const;
    await expectRejected(test, () => client.cr({ key: newKey(), ...wish }), lapsed);
    await expectRejected(test, () => client.revoke({ certificate: raw, ...wish }), { body: 'rp', ...lapsed });
  });

  it('leaves its key to a new request', async () => {
    const device = await enrolled(test, { isLeftUnconfirmed: true });
    clock.advance(301);
    await expectRejected(test, () => client.confirm(device.outcome), {
      failInfo: 'certRevoked',
      code: 'already-revoked',
    });
    const again = await client.ir({ key: device.key, subject: `CN=${device.name}` });
    expect(again.pkiStatus).toBe('accepted');
  });
});

describe('what CRLs are made from', () => {
  it('says of every certificate what its record says, after all of this', () => {
    expectRevocationsToFollow(test);
  });
});

function unprotected(): ConfirmWish {
  return { omit: ['protection', 'protectionAlg'], unchecked: ['protectionKind'] };
}
