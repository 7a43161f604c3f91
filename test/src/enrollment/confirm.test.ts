/** Certificates that are to be confirmed (RFC 9810 5.3.18, RFC 9483 4.1.1), as the core keeps them. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { authenticateMessage } from '../../../src/enrollment/authenticate-message.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { revokeLapsed } from '../../../src/enrollment/lapse.js';
import { poll } from '../../../src/enrollment/poll.js';
import { releaseCertificate, revokeCertificate } from '../../../src/enrollment/revoke.js';
import { revokeReplaced } from '../../../src/enrollment/revoke-replaced.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by, operator } from '../../support/operator.js';
import { eventOf, eventsOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  confirm,
  confirmWithin,
  device,
  final,
  issued,
  mac,
  recordOf,
  remoteAddress,
  request,
  revoke,
  signature,
  startCmpFleet,
  update,
} from './cmp-conversation.js';

let test: TestGateway;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet(clock);
  await applyYaml(test, policyLike('replace', 'methods: [cmp], duplicates: revoke-previous'));
  await applyYaml(test, policyLike('manual', 'methods: [cmp], approval: manual, approvalTimeout: 1d'));
});
afterAll(() => test.close());

const code = (expected: string) => expect.objectContaining({ code: expected });

async function stateOf(certificate: Uint8Array) {
  const { status, confirmBy, supplantedBy } = await recordOf(test, certificate);
  return { status, confirmBy, supplantedBy };
}

const authenticate = (credential: PresentedCredential) =>
  authenticateMessage(
    {
      protocol: 'cmp',
      label: 'cmp',
      operation: 'genm',
      credentials: [credential],
      remoteAddress,
      requestId: createIdentifier(),
    },
    test.gateway.core,
  );

describe('A certificate that is to be confirmed', () => {
  it('says until when, on record and in the audit log', async () => {
    const wanted = request({});
    const { certificate } = await issued(test, wanted);
    const confirmBy = clock.now().getTime() + confirmWithin * 1000;
    expect(await stateOf(certificate)).toEqual({ status: 'valid', confirmBy, supplantedBy: null });
    expect(await eventOf(test, wanted)).toMatchObject({ confirmBy: new Date(confirmBy).toISOString() });
  });

  it('is confirmed once; the second time is told so', async () => {
    const { certificate } = await issued(test, request({ commonName: 'glad' }));
    const requestId = await confirm(test, certificate);
    expect(await stateOf(certificate)).toMatchObject({ status: 'valid', confirmBy: null });
    expect(await eventOf(test, { requestId })).toMatchObject({
      action: 'certificate.confirmed',
      protocol: 'cmp',
      device: 'glad',
    });
    await expect(confirm(test, certificate)).rejects.toEqual(code('already-confirmed'));
    await expect(confirm(test, certificate, { accepted: false })).rejects.toEqual(code('already-confirmed'));
    expect(await stateOf(certificate)).toMatchObject({ status: 'valid' });
  });

  it('is confirmed by one of two messages that come at the same time', async () => {
    const { certificate } = await issued(test, request({}));
    const answers = await Promise.allSettled([confirm(test, certificate), confirm(test, certificate)]);
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'confirmed'));
    expect(codes.toSorted()).toEqual(['already-confirmed', 'confirmed']);
  });

  it('needs no confirmation where none was asked for', async () => {
    const { certificate } = await issued(test, final({}));
    await expect(confirm(test, certificate)).rejects.toEqual(code('already-confirmed'));
  });

  it('is revoked when it is rejected, with the reason that it is not needed', async () => {
    const { certificate } = await issued(test, request({ commonName: 'loath' }));
    const requestId = await confirm(test, certificate, { accepted: false });
    expect(await recordOf(test, certificate)).toMatchObject({
      status: 'revoked',
      revocationReason: 5,
      confirmBy: null,
    });
    expect(await eventOf(test, { requestId })).toMatchObject({
      action: 'certificate.rejected',
      outcome: 'success',
      device: 'loath',
    });
    await expect(confirm(test, certificate)).rejects.toEqual(code('already-revoked'));
  });

  it('is nobody else’s to confirm, and none of another policy', async () => {
    const { certificate } = await issued(test, request({}));
    const unknown = code('unknown-certificate');
    await expect(confirm(test, certificate, { requester: 'cmp-secret:other' })).rejects.toEqual(unknown);
    await expect(confirm(test, certificate, { label: 'fleet' })).rejects.toEqual(unknown);
    expect((await stateOf(certificate)).confirmBy).not.toBeNull();
  });

  it('counts as lapsed from the moment that its time is over, and is revoked', async () => {
    const wanted = request({ commonName: 'late' });
    const { certificate, chain } = await issued(test, wanted);
    clock.advance(confirmWithin);
    await expect(authenticate(signature(certificate, chain))).rejects.toEqual(code('revoked-requester'));
    await expect(confirm(test, certificate)).rejects.toEqual(code('already-revoked'));
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'revoked', revocationReason: 5 });
  });

  it('is revoked by itself when nobody says anything', async () => {
    const answers = await Promise.all(['mute-1', 'mute-2'].map((commonName) => issued(test, request({ commonName }))));
    clock.advance(confirmWithin - 1);
    await revokeLapsed(test.gateway.core);
    for (const { certificate } of answers) expect(await stateOf(certificate)).toMatchObject({ status: 'valid' });
    clock.advance(1);
    await Promise.all([revokeLapsed(test.gateway.core), revokeLapsed(test.gateway.core)]);
    for (const { certificate } of answers) {
      const { id, status, confirmBy } = await recordOf(test, certificate);
      expect({ status, confirmBy }).toEqual({ status: 'revoked', confirmBy: null });
      const events = await eventsOf(test, 'certificate.lapsed');
      const own = events.filter(({ subject }) => subject === id).map(({ content }) => JSON.parse(content));
      expect(own).toEqual([expect.objectContaining({ device: expect.stringMatching(/^mute-[12]$/) })]);
    }
  });

  it('is revoked by the running gateway within seconds', async () => {
    const { certificate } = await issued(test, request({}));
    clock.advance(confirmWithin + 1);
    for (let waited = 0; waited < 5000 && (await stateOf(certificate)).status === 'valid'; waited += 100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await stateOf(certificate)).toMatchObject({ status: 'revoked' });
  });

  it('authenticates nothing yet', async () => {
    const { certificate, chain } = await issued(test, request({ commonName: 'early' }));
    const credential = signature(certificate, chain);
    await expect(authenticate(credential)).rejects.toEqual(code('invalid-state'));
    await expect(enroll(update(credential, 'early'), test.gateway.core)).rejects.toEqual(code('invalid-state'));
    await expect(revoke(test, certificate, { credentials: [credential] })).rejects.toEqual(code('invalid-state'));
  });
});

describe('An update (RFC 9483 4.1.3)', () => {
  it('takes the place of the certificate when it is confirmed', async () => {
    const old = await device(test, { commonName: 'updating' });
    const { certificate } = await issued(test, update(old.credential, 'updating'));
    const { id } = await recordOf(test, certificate);
    expect(await stateOf(old.certificate)).toMatchObject({ status: 'valid', supplantedBy: id });
    // The conversation is still the old certificate's.
    expect(await authenticate(old.credential)).toMatchObject({ id: (await recordOf(test, certificate)).requester });
    await confirm(test, certificate);
    await expect(enroll(update(old.credential, 'updating'), test.gateway.core)).rejects.toEqual(
      code('revoked-requester'),
    );
    const again = request({ credentials: [old.credential], commonName: 'updating' });
    await expect(enroll(again, test.gateway.core)).rejects.toEqual(code('revoked-requester'));
    await expect(revoke(test, old.certificate, { credentials: [old.credential] })).rejects.toEqual(
      code('revoked-requester'),
    );
    await authenticate(old.credential);
  });

  it('keeps others out as long as it is open', async () => {
    const old = await device(test, { commonName: 'busy' });
    await issued(test, update(old.credential, 'busy'));
    const invalid = code('invalid-state');
    await expect(enroll(update(old.credential, 'busy'), test.gateway.core)).rejects.toEqual(invalid);
    const other = request({ credentials: [old.credential], commonName: 'busy' });
    await expect(enroll(other, test.gateway.core)).rejects.toEqual(invalid);
    await expect(revoke(test, old.certificate, { credentials: [old.credential] })).rejects.toEqual(invalid);
  });

  it('is one of two that come at the same time', async () => {
    const old = await device(test, { commonName: 'twice' });
    const wishes = [update(old.credential, 'twice'), update(old.credential, 'twice')];
    const answers = await Promise.allSettled(wishes.map((wanted) => enroll(wanted, test.gateway.core)));
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'issued'));
    expect(codes.toSorted()).toEqual(['invalid-state', 'issued']);
  });

  it('gives the place back when it is rejected, lapses or is revoked by the operator', async () => {
    const old = await device(test, { commonName: 'again' });
    const rejected = await issued(test, update(old.credential, 'again'));
    await confirm(test, rejected.certificate, { accepted: false });
    expect(await stateOf(old.certificate)).toMatchObject({ supplantedBy: null });

    const revoked = await issued(test, update(old.credential, 'again'));
    const { issuerId, serialNumber } = await recordOf(test, revoked.certificate);
    const revocation = { issuerId, serialNumber, reason: 'superseded', actor: operator('test') } as const;
    await revokeCertificate(revocation, test.gateway.core);
    expect(await stateOf(old.certificate)).toMatchObject({ supplantedBy: null });

    const lapsed = await issued(test, update(old.credential, 'again'));
    clock.advance(confirmWithin);
    const last = await issued(test, update(old.credential, 'again'));
    expect(await stateOf(lapsed.certificate)).toMatchObject({ status: 'revoked' });
    expect(await stateOf(old.certificate)).toMatchObject({ supplantedBy: (await recordOf(test, last.certificate)).id });
  });

  it('does not bring the old certificate back when it is revoked after it was confirmed', async () => {
    const old = await device(test, { commonName: 'gone' });
    const { certificate, chain } = await issued(test, update(old.credential, 'gone'));
    await confirm(test, certificate);
    await revoke(test, certificate, { credentials: [signature(certificate, chain)] });
    const { id } = await recordOf(test, certificate);
    expect(await stateOf(old.certificate)).toMatchObject({ supplantedBy: id });
  });

  it('is final at once where nothing is to be confirmed', async () => {
    const old = await device(test, { commonName: 'implicit' });
    const { confirmWithin: _none, ...wanted } = update(old.credential, 'implicit');
    const { serialNumber } = await issued(test, wanted);
    // The repeat of the same message has the same answer.
    expect((await issued(test, wanted)).serialNumber).toBe(serialNumber);
    await expect(enroll(update(old.credential, 'implicit'), test.gateway.core)).rejects.toEqual(
      code('revoked-requester'),
    );
  });

  it('changes nothing for renewals over other protocols', async () => {
    const old = await device(test, { commonName: 'mixed' });
    await issued(test, update(old.credential, 'mixed'));
    const renewal = {
      ...final({ commonName: 'mixed', operation: 'reenroll' }),
      protocol: 'est',
      key: newKey(),
    } as const;
    await issued(test, { ...renewal, credentials: [{ ...old.credential, proof: 'tls' } as PresentedCredential] });
  });
});

describe('Previous certificates that are to be revoked (duplicates: revoke-previous)', () => {
  it('stay until the new one is confirmed', async () => {
    const wish = { label: 'replace', commonName: 'replaced' };
    const first = await issued(test, final(wish));
    clock.advance(1);
    const second = await issued(test, request(wish));
    expect(await stateOf(first.certificate)).toMatchObject({ status: 'valid' });
    await confirm(test, second.certificate, { label: 'replace' });
    expect(await recordOf(test, first.certificate)).toMatchObject({ status: 'revoked', revocationReason: 4 });
    expect(await stateOf(second.certificate)).toMatchObject({ status: 'valid' });
  });

  it('stay for good when it is rejected', async () => {
    const wish = { label: 'replace', commonName: 'kept' };
    const first = await issued(test, final(wish));
    const second = await issued(test, request(wish));
    await confirm(test, second.certificate, { accepted: false, label: 'replace' });
    expect(await stateOf(first.certificate)).toMatchObject({ status: 'valid' });
  });
});

describe('A certificate that was renewed (revokeReplaced)', () => {
  const graced = (after: string) =>
    applyYaml(test, policyLike('graced', `methods: [cmp, est], revokeReplaced: { after: ${after} }`));
  beforeAll(() => graced('2h'));
  const label = 'graced';
  const hour = 3600;

  async function statusesOf(certificates: readonly Uint8Array[]) {
    await revokeReplaced(test.gateway.core);
    const records = await Promise.all(certificates.map((certificate) => recordOf(test, certificate)));
    return records.map(({ status, revocationReason }) => (status === 'revoked' ? revocationReason : status));
  }

  async function renewed(old: { readonly credential: PresentedCredential }, commonName: string) {
    const wanted = final({ label, operation: 'reenroll', credentials: [old.credential], commonName });
    return await issued(test, wanted);
  }

  it('is revoked (superseded) when the time of its policy is over, and not before', async () => {
    const old = await device(test, { label, commonName: 'graced-1' });
    const { certificate } = await renewed(old, 'graced-1');
    clock.advance(2 * hour - 1);
    expect(await statusesOf([old.certificate, certificate])).toEqual(['valid', 'valid']);
    clock.advance(1);
    expect(await statusesOf([old.certificate, certificate])).toEqual([4, 'valid']);
    const [event] = await eventsOf(test, 'certificate.revoked');
    expect(JSON.parse(event?.content ?? '')).toMatchObject({
      subject: (await recordOf(test, old.certificate)).id,
      reason: 'superseded',
      supersededBy: (await recordOf(test, certificate)).id,
      device: 'graced-1',
    });
    await expect(renewed(old, 'graced-1')).rejects.toEqual(code('revoked-requester'));
  });

  it('counts as that from the confirmation on, where there is to be one (RFC 9810 5.3.18)', async () => {
    const old = await device(test, { label, commonName: 'graced-2' });
    const { certificate } = await issued(test, update(old.credential, 'graced-2', { label, confirmWithin: 3 * hour }));
    clock.advance(2 * hour + 1);
    expect(await statusesOf([old.certificate])).toEqual(['valid']);
    await confirm(test, certificate, { label });
    expect(await statusesOf([old.certificate])).toEqual(['valid']);
    clock.advance(2 * hour);
    expect(await statusesOf([old.certificate])).toEqual([4]);
  });

  it('stays where the renewal was not taken, or was revoked in the time', async () => {
    const [loath, unlucky] = [
      await device(test, { label, commonName: 'graced-3' }),
      await device(test, { label, commonName: 'graced-4' }),
    ];
    const rejected = await issued(test, update(loath.credential, 'graced-3', { label }));
    await confirm(test, rejected.certificate, { label, accepted: false });
    const { issuerId, serialNumber } = await recordOf(test, (await renewed(unlucky, 'graced-4')).certificate);
    const revocation = { issuerId, serialNumber, reason: 'keyCompromise', actor: operator('test') } as const;
    await revokeCertificate(revocation, test.gateway.core);
    clock.advance(3 * hour);
    expect(await statusesOf([loath.certificate, unlucky.certificate])).toEqual(['valid', 'valid']);
    // Its next renewal counts anew.
    await renewed(unlucky, 'graced-4');
    expect(await statusesOf([unlucky.certificate])).toEqual(['valid']);
    clock.advance(2 * hour);
    expect(await statusesOf([unlucky.certificate])).toEqual([4]);
  });

  it('stays on hold, and is revoked once it is released', async () => {
    const old = await device(test, { label, commonName: 'graced-5' });
    await renewed(old, 'graced-5');
    const { issuerId, serialNumber } = await recordOf(test, old.certificate);
    const change = { issuerId, serialNumber, actor: operator('test') };
    await revokeCertificate({ ...change, reason: 'certificateHold' }, test.gateway.core);
    clock.advance(3 * hour);
    expect(await statusesOf([old.certificate])).toEqual(['held']);
    await releaseCertificate(change, test.gateway.core);
    expect(await statusesOf([old.certificate])).toEqual([4]);
  });

  it('is revoked in the order of a chain of renewals, also when the time is changed later', async () => {
    await graced('90d');
    const first = await device(test, { label, commonName: 'graced-6' });
    const second = await renewed(first, 'graced-6');
    clock.advance(1);
    const third = await renewed({ credential: signature(second.certificate, second.chain.slice(0, -1)) }, 'graced-6');
    clock.advance(hour);
    const all = [first, second, third].map(({ certificate }) => certificate);
    expect(await statusesOf(all)).toEqual(['valid', 'valid', 'valid']);
    await graced('1h');
    expect(await statusesOf(all)).toEqual([4, 4, 'valid']);
    await graced('2h');
  });

  it('is left to one of two nodes at the same time', async () => {
    const old = await device(test, { label, commonName: 'graced-7' });
    await renewed(old, 'graced-7');
    clock.advance(2 * hour);
    const now = clock.now().getTime();
    const { leases, commit } = { ...test.gateway.core.store };
    const lease = { name: 'replaced certificates', holder: 'another node' };
    await commit({ statements: [leases.take({ ...lease, until: now + 1000, now })], audit: [] });
    expect(await statusesOf([old.certificate])).toEqual(['valid']);
    await commit({ statements: [leases.release(lease)], audit: [] });
    expect(await statusesOf([old.certificate])).toEqual([4]);
  });
});

describe('A certificate that a person has approved', () => {
  it('waits for its device, which has the usual time from when it comes for it', async () => {
    const wanted = request({ label: 'manual' });
    const pending = await enroll(wanted, test.gateway.core);
    if (pending.outcome !== 'pending') throw new Error('not pending');
    await approveRequest(pending.requestId, by('alice'), test.gateway.core);
    const look = () =>
      poll(
        {
          protocol: 'cmp',
          label: 'manual',
          pending: { requestId: pending.requestId, credentials: [mac()] },
          remoteAddress,
          requestId: createIdentifier(),
        },
        test.gateway.core,
      );
    clock.advance(7200);
    await revokeLapsed(test.gateway.core);
    const first = await look();
    if (first.outcome !== 'issued') throw new Error('not issued');
    const confirmBy = clock.now().getTime() + confirmWithin * 1000;
    expect(await stateOf(first.certificate)).toMatchObject({ status: 'valid', confirmBy });
    clock.advance(10);
    await look();
    expect(await stateOf(first.certificate)).toMatchObject({ confirmBy });
    await confirm(test, first.certificate, { label: 'manual' });
    expect(await stateOf(first.certificate)).toMatchObject({ status: 'valid', confirmBy: null });
  });

  it('keeps the protocol’s own writes with the request that waits', async () => {
    const { store } = test.gateway.core;
    const name = `own-${createIdentifier()}`;
    const accompanying = ({ outcome }: { outcome: string }) => [
      store.leases.take({ name, holder: outcome, until: clock.now().getTime() + 1000, now: clock.now().getTime() }),
    ];
    await enroll(request({ label: 'manual', accompanying }), test.gateway.core);
    const taken = store.leases.take({ name, holder: 'other', until: 1, now: clock.now().getTime() });
    await expect(store.commit({ statements: [taken], audit: [] })).rejects.toEqual(code('invalid-state'));
  });
});
