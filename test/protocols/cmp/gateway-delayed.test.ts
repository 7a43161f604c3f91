import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rejectRequest } from '../../../src/enrollment/approve.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { generalizedTime, sequence } from '../../../src/x509/der-writer.js';
import { pollRequest, revDetails } from '../../support/cmp/bodies.js';
import type { CmpClient } from '../../support/cmp/client.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
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
import { byPassphrase, encryptionCertificate, isTaken, setPassphrase } from '../../support/cmp-passphrases.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { publishChanges } from '../../support/crls.js';
import { applyYaml } from '../../support/fleet.js';
import { by } from '../../support/operator.js';
import { eventOf, eventsOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('slow', 'approve: [rr]', 'approvalTimeout: 2d, pollInterval: 30s'));
  await applyYaml(test, cmpPolicy('two', 'approve: [rr]', 'approval: two-people'));
  connect();
});
afterAll(async () => {
  client.close();
  await test.close();
});

function connect(): void {
  client = createCmpClient(test, { label: 'slow', credential: byMac });
}

async function restart(): Promise<void> {
  client.close();
  test = await test.restart();
  connect();
}

const wishOf = ({ certificate, credential }: CmpDevice) => ({ certificate: certificate.raw, credential });
const contentsOf = async (action: string) =>
  (await eventsOf(test, action)).map(({ content }) => JSON.parse(content) as Record<string, unknown>);

/** The entry of a certificate in the CRL that is published next. */
async function entryOf({ certificate }: CmpDevice) {
  await publishChanges(test);
  const { issuerId, crlPartition, serialNumber } = await recordOf(test, certificate);
  const crl = await test.gateway.core.store.crls.find({ issuerId, partition: crlPartition });
  const { revokedCertificates } = decodeCertificateList(crl?.der ?? new Uint8Array());
  return revokedCertificates.find((entry) => entry.serialNumber === serialNumber);
}

/** An rr that waits. */
async function ask(wish: Partial<Parameters<CmpClient['revoke']>[0]> = {}) {
  const device = await enrolled(test);
  const outcome = await client.revoke({ ...wishOf(device), reason: 1, ...wish });
  expectWaiting(outcome);
  return { device, outcome, requestId: outcome.answer.requestId };
}

function expectAccepted({ body, pkiStatus, statusString }: CmpOutcome, says = 'revoked'): void {
  expect({ type: body?.type, pkiStatus, statusString }).toEqual({
    type: 'rp',
    pkiStatus: 'accepted',
    statusString: expect.stringContaining(says),
  });
}

describe('Delayed delivery of rr (RFC 9483 4.4)', () => {
  it('is waiting in an error message, then pollRep for the whole message, and after the approval the rp', async () => {
    const { device, outcome, requestId } = await ask();
    const { credential } = device;
    expect(await statusOf(test, device)).toBe('valid');
    const first = await client.poll(outcome, { credential });
    expectPollRep(first);
    const second = await client.poll(first, { credential });
    expectPollRep(second);
    expect(await approve(test, requestId)).toMatchObject({ outcome: 'revoked', reason: 'keyCompromise' });
    // The approval does it, whether the device comes back or not, and whatever it signs with is revoked by then.
    expect(await statusOf(test, device)).toBe('revoked');
    expect(await entryOf(device)).toMatchObject({ reason: 'keyCompromise' });
    expectAccepted(await client.poll(second, { credential }));
  });

  it('by a revocation passphrase is polled for with it (RFC 9810 appendix B)', async () => {
    const device = await enrolled(test);
    const { credential: signature, certificate } = device;
    const recipient = { kind: 'certificate', certificate: await encryptionCertificate(client) } as const;
    const passphrase = 'the key is lost some day';
    await setPassphrase(client, { passphrase, recipient, keyId: 'slow' }, { credential: signature });
    const credential = byPassphrase('slow', passphrase);
    const outcome = await client.revoke({ certificate: certificate.raw, credential, reason: 1 });
    expectWaiting(outcome);
    const early = await client.poll(outcome, { credential });
    expectPollRep(early);
    await approve(test, outcome.answer.requestId);
    expectAccepted(await client.poll(early, { credential }));
    expect(await statusOf(test, device)).toBe('revoked');
  });

  it('by a revocation passphrase is carried out though another one has taken its place', async () => {
    const device = await enrolled(test);
    const { credential: signature, certificate } = device;
    const recipient = { kind: 'certificate', certificate: await encryptionCertificate(client) } as const;
    const passphrase = 'of the owner, whose key is stolen';
    await setPassphrase(client, { passphrase, recipient, keyId: 'owner' }, { credential: signature });
    const credential = byPassphrase('owner', passphrase);
    const outcome = await client.revoke({ certificate: certificate.raw, credential, reason: 1 });
    expectWaiting(outcome);
    const another = { passphrase: 'of the thief', recipient, keyId: 'thief' };
    expect(isTaken(await setPassphrase(client, another, { credential: signature }))).toBe(true);
    expect(await approve(test, outcome.answer.requestId)).toMatchObject({ outcome: 'revoked' });
    expect(await statusOf(test, device)).toBe('revoked');
  });

  it('leaves an event of the request, of its approval and of the revocation', async () => {
    const { device, outcome, requestId } = await ask();
    const { id } = await recordOf(test, device.certificate);
    expect(await eventOf(test, outcome.answer)).toMatchObject({
      action: 'request.pending',
      outcome: 'pending',
      operation: 'revoke',
      certificate: id,
      name: `CN=${device.name}`,
      reason: 'keyCompromise',
      requester: { id: `certificate:${id}` },
      trace: [{ rule: 'approval', outcome: 'pending', said: 'policy slow wants the approval of a person for rr' }],
    });
    await approve(test, requestId);
    const [approval] = await contentsOf('request.approved');
    expect(approval).toMatchObject({ subject: requestId, actor: 'alice' });
    const [revocation] = await contentsOf('certificate.revoked');
    expect(revocation).toMatchObject({
      subject: id,
      reason: 'keyCompromise',
      requestedBy: `certificate:${id}`,
      approvedBy: ['alice'],
      requestId,
      protocol: 'cmp',
    });
  });

  it('keeps the invalidity date', async () => {
    const since = new Date('2026-05-06T07:08:09Z');
    const { device, requestId } = await ask({
      extensions: [{ id: '2.5.29.24', critical: false, value: generalizedTime(since) }],
    });
    await approve(test, requestId);
    expect((await entryOf(device))?.invalidityDate).toEqual(since);
  });

  it.each([
    ['hold', 6, 'valid', 'held', 'on hold'],
    ['the end of a hold', 8, 'held', 'valid', 'revived'],
  ] as const)('of %s is answered by the certificate concerned', async (_what, reason, before, after, says) => {
    const device = await enrolled(test);
    const { credential } = device;
    if (before === 'held') {
      const direct = createCmpClient(test, { label: 'cmp', credential: byMac });
      await direct.revoke({ ...wishOf(device), reason: 6 });
      direct.close();
    }
    const outcome = await client.revoke({ ...wishOf(device), reason });
    expectWaiting(outcome);
    const polled = await client.poll(outcome, { credential });
    expectPollRep(polled);
    expect(await statusOf(test, device)).toBe(before);
    await approve(test, outcome.answer.requestId);
    expect(await statusOf(test, device)).toBe(after);
    expectAccepted(await client.poll(polled, { credential }), says);
  });

  it('by a registration authority waits as well', async () => {
    const { device, outcome, requestId } = await ask({ credential: authority });
    expectPollRep(await client.poll(outcome, { credential: authority }));
    await approve(test, requestId);
    expect(await statusOf(test, device)).toBe('revoked');
  });

  it('inside of a nested message waits, too, and may be polled for inside of another', async () => {
    const device = await enrolled(test);
    const { credential } = device;
    const rr = client.make('rr', sequence(revDetails({ certificate: device.certificate.raw })), { credential });
    const asked = await client.nested([rr], { credential: authority });
    expectWaiting(asked);
    const first = client.make('pollReq', pollRequest(-1), { credential, previous: { ...asked, sent: rr } });
    const polled = await client.nested([first], { credential: authority });
    expectPollRep(polled);
    await approve(test, asked.answer.requestId);
    const second = client.make('pollReq', pollRequest(-1), { credential, previous: { ...polled, sent: first } });
    expectAccepted(await client.nested([second], { credential: authority }));
  });

  it('goes on after restarts of the gateway, before the approval and behind it', async () => {
    const { device, outcome, requestId } = await ask();
    const { credential } = device;
    await restart();
    const polled = await client.poll(outcome, { credential });
    expectPollRep(polled);
    await restart();
    await approve(test, requestId);
    await restart();
    expectAccepted(await client.poll(polled, { credential }));
    expect(await statusOf(test, device)).toBe('revoked');
  });

  it('needs two people where the policy wants them', async () => {
    const other = createCmpClient(test, { label: 'two', credential: byMac });
    const device = await enrolled(test);
    const { credential } = device;
    const outcome = await other.revoke(wishOf(device));
    expectWaiting(outcome);
    expect(await approve(test, outcome.answer.requestId)).toEqual({ outcome: 'waiting' });
    expect(await statusOf(test, device)).toBe('valid');
    const polled = await other.poll(outcome, { credential });
    expectPollRep(polled, 60);
    await expect(approve(test, outcome.answer.requestId)).rejects.toMatchObject({ code: 'invalid-state' });
    await approve(test, outcome.answer.requestId, 'bob');
    expectAccepted(await other.poll(polled, { credential }));
    const [revocation] = await contentsOf('certificate.revoked');
    expect(revocation).toMatchObject({ approvedBy: ['alice', 'bob'] });
    other.close();
  });
});

describe('Delayed delivery of rr that ends without a revocation', () => {
  it('is a rejection in the rp, which says why', async () => {
    const { device, outcome, requestId } = await ask();
    await rejectRequest(requestId, by('bob', 'the station is still in use'), test.gateway.core);
    await expectRejected(test, () => client.poll(outcome, { credential: device.credential }), {
      body: 'rp',
      failInfo: 'notAuthorized',
      code: 'forbidden',
      says: 'the station is still in use',
    });
    expect(await statusOf(test, device)).toBe('valid');
  });

  it('is a rejection when nobody approved in time', async () => {
    const { device, outcome } = await ask();
    clock.advance(2 * 86_400 + 1);
    const late = await client.poll(outcome, { credential: device.credential });
    expect(late).toMatchObject({ pkiStatus: 'rejection', body: { type: 'rp' }, failInfo: ['badRequest'] });
    expect(await eventOf(test, late.answer)).toMatchObject({ action: 'request.refused', code: 'not-found' });
  });
});
