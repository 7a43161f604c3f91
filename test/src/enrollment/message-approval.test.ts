/** Revocations and messages that wait for people, as the core keeps them and tells of them. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { poll, pollApproval } from '../../../src/enrollment/poll.js';
import type { ApprovalQuery } from '../../../src/enrollment/request.js';
import { requestApproval } from '../../../src/enrollment/request-approval.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { decodeIdentity } from '../../../src/enrollment/stored-request.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import { certificateId } from '../../../src/store/certificate-record.js';
import { applyYaml, policyLike, yamlPem } from '../../support/fleet.js';
import { by, operator } from '../../support/operator.js';
import { countRecords, eventsOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  addCredential,
  device,
  final,
  mac,
  recordOf,
  remoteAddress,
  request,
  revoke,
  startCmpFleet,
} from './cmp-conversation.js';

const clock = createTestClock();
let test: TestGateway;

beforeAll(async () => {
  test = await startCmpFleet(clock, 'approval: manual, cmp: { keyReuse: true, approve: [rr, genm] }');
  await applyYaml(test, policyLike('plain', 'methods: [cmp]'));
});
afterAll(() => test.close());

const refused = (code: string) => expect.objectContaining({ code });

function genm(changes: Partial<Parameters<typeof requestApproval>[0]> = {}) {
  const message = { protocol: 'cmp', label: 'cmp', operation: 'genm', credentials: [mac()], remoteAddress } as const;
  return requestApproval({ ...message, requestId: createIdentifier(), ...changes }, test.gateway.core);
}

interface Asked {
  readonly requestId: string;
  readonly credential?: PresentedCredential;
  readonly label?: string;
}

function query(kind: ApprovalQuery['kind'], { requestId, credential = mac(), label = 'cmp' }: Asked) {
  const pending = { requestId, credentials: [credential] };
  const asked = { protocol: 'cmp', label, kind, pending, remoteAddress, requestId: createIdentifier() } as const;
  return pollApproval(asked, test.gateway.core);
}

function pollCertificate({ requestId, credential = mac() }: Asked) {
  const pending = { requestId, credentials: [credential] };
  const asked = { protocol: 'cmp', label: 'cmp', pending, remoteAddress, requestId: createIdentifier() } as const;
  return poll(asked, test.gateway.core);
}

/** What the audit log has of approvals of a request that were refused. */
async function failures(requestId: string | undefined): Promise<readonly unknown[]> {
  const events = await eventsOf(test, 'request.approval');
  return events.filter(({ subject }) => subject === requestId).map(({ content }): unknown => JSON.parse(content));
}

/** A device's certificate, issued under a policy that approves by itself. */
const issuedDevice = () => device(test, { label: 'plain' });

describe('A message that asks for no certificate', () => {
  it('waits where the policy says so, and nowhere else', async () => {
    const before = await countRecords(test);
    expect(await genm({ label: 'plain' })).toBeUndefined();
    expect(await countRecords(test)).toEqual(before);
    expect(await genm()).toEqual({ outcome: 'pending', requestId: expect.any(String), retryAfterSeconds: 60 });
    expect(await countRecords(test)).toEqual({ ...before, transactions: before.transactions + 1 });
  });

  it('is kept with all that accompanies it, or not at all', async () => {
    const before = await countRecords(test);
    const { certificates } = test.gateway.core.store;
    const accompanying = () => [certificates.requireValid({ id: 'no certificate' })];
    await expect(genm({ accompanying })).rejects.toEqual(refused('revoked-requester'));
    const { certificate, credential } = await issuedDevice();
    await expect(revoke(test, certificate, { credentials: [credential], accompanying })).rejects.toEqual(
      refused('revoked-requester'),
    );
    const { transactions } = await countRecords(test);
    expect(transactions).toBe(before.transactions + 1);
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid' });
  });

  it('is told of to its requester alone, at its policy, and as what it is', async () => {
    const waiting = await genm();
    const { certificate, credential } = await issuedDevice();
    const revocation = { requestId: await revoke(test, certificate, { credentials: [credential] }), credential };
    const enrollment = await enroll(request({}), test.gateway.core);
    if (waiting?.outcome !== 'pending' || enrollment.outcome !== 'pending') throw new Error('it does not wait');
    expect(await query('message', waiting)).toMatchObject({ outcome: 'pending' });
    expect(await query('revocation', revocation)).toMatchObject({ outcome: 'pending' });
    expect(await pollCertificate(enrollment)).toMatchObject({ outcome: 'pending' });
    for (const attempt of [
      () => query('revocation', waiting),
      () => query('message', revocation),
      () => query('message', enrollment),
      () => query('revocation', enrollment),
      () => pollCertificate(waiting),
      () => pollCertificate(revocation),
      () => query('message', { ...waiting, credential }),
      () => query('revocation', { ...revocation, credential: mac() }),
      () => query('message', { ...waiting, label: 'plain' }),
      () => query('message', { requestId: createIdentifier() }),
    ]) {
      await expect(attempt()).rejects.toEqual(refused('not-found'));
    }
  });

  it('is told of to a certificate that is revoked where it is a revocation, and nowhere else', async () => {
    const { certificate, credential } = await issuedDevice();
    const waiting = await genm({ credentials: [credential] });
    const requestId = await revoke(test, certificate, { credentials: [credential] });
    await approveRequest(requestId, by('alice'), test.gateway.core);
    expect(await query('revocation', { requestId, credential })).toEqual({ outcome: 'approved' });
    const asked = { requestId: waiting?.requestId ?? '', credential };
    await expect(query('message', asked)).rejects.toEqual(refused('revoked-requester'));
    await expect(pollCertificate(asked)).rejects.toEqual(refused('revoked-requester'));
  });

  it('uses no credential up', async () => {
    await applyYaml(
      test,
      addCredential('{ kind: cmp-secret, name: once, reference: once, secret: only-once, usageLimit: 1 }'),
    );
    const credential = mac('once', 'only-once');
    expect(await genm({ credentials: [credential] })).toMatchObject({ outcome: 'pending' });
    expect(await enroll(final({ label: 'plain', credentials: [credential] }), test.gateway.core)).toMatchObject({
      outcome: 'issued',
    });
  });
});

describe('An approval', () => {
  it('of a revocation is refused once the certificate of the registration authority that asked for it is revoked, or its CA', async () => {
    await applyYaml(
      test,
      `templates:
  - { name: ra, keys: { ec: { curves: [P-256] } }, keyUsages: [digitalSignature], extendedKeyUsages: [cmcRA], subjectAttributes: [commonName], maximumValidity: 1y }
profiles:
  - { name: ra, template: ra, subject: [{ attribute: commonName, source: request }], keyUsages: [digitalSignature], extendedKeyUsages: [cmcRA], validity: 90d }
`,
    );
    await applyYaml(test, policyLike('ras', 'methods: [cmp], profiles: [{ usage: operational, profile: ra }]'));
    const ra = await device(test, { label: 'ras', commonName: 'ra-1' });
    const pem = yamlPem(ra.certificate);
    await applyYaml(test, addCredential(`{ kind: authentication-certificate, name: ra-1, certificate: ${pem} }`));
    const approval = 'approval: manual, cmp: { keyReuse: true, approve: [rr, genm], registrationAuthorities: [ra-1] }';
    await applyYaml(test, policyLike('cmp', `methods: [cmp, est], ${approval}`));
    const { certificate } = await issuedDevice();
    const requestId = await revoke(test, certificate, { credentials: [ra.credential] });
    const { issuerId, serialNumber } = await recordOf(test, ra.certificate);
    const { authority, store } = test.gateway.core;
    const issuing = authority.generation(issuerId);
    const id = certificateId(issuing?.parent ?? '', issuing?.certificate.serialNumber ?? '');
    await store.commit({ statements: [store.certificates.hold({ id, at: 0 })], audit: [] });
    await expect(approveRequest(requestId, by('alice'), test.gateway.core)).rejects.toEqual(refused('invalid-state'));
    await store.commit({ statements: [store.certificates.release({ id })], audit: [] });
    const reason = 'keyCompromise';
    await revokeCertificate({ issuerId, serialNumber, reason, actor: operator('alice') }, test.gateway.core);
    await expect(approveRequest(requestId, by('alice'), test.gateway.core)).rejects.toEqual(refused('invalid-state'));
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid' });
  });

  it('is refused once the credential that it was asked for with is revoked', async () => {
    const { store } = test.gateway.core;
    await applyYaml(test, addCredential('{ kind: cmp-secret, name: lost, reference: lost, secret: lost-and-found }'));
    const waiting = await genm({ credentials: [mac('lost', 'lost-and-found')] });
    const kept = await store.enrollmentTransactions.findByRequestId({ requestId: waiting?.requestId ?? '' });
    const [credential] = decodeIdentity(kept?.identity ?? '').credentials;
    const revoked = store.credentials.revoke({ id: credential?.id ?? '', at: clock.now().getTime() });
    await store.commit({ statements: [revoked], audit: [] });
    const approval = approveRequest(waiting?.requestId ?? '', by('alice'), test.gateway.core);
    await expect(approval).rejects.toEqual(refused('invalid-state'));
    expect(await failures(waiting?.requestId)).toEqual([expect.objectContaining({ code: 'invalid-state' })]);
  });

  it('that is refused in its commit leaves its event, too', async () => {
    const { certificate, credential } = await issuedDevice();
    const requestId = await revoke(test, certificate, { credentials: [credential] });
    const outcomes = await Promise.allSettled(
      ['alice', 'alice'].map((approver) => approveRequest(requestId, by(approver), test.gateway.core)),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await failures(requestId)).toHaveLength(1);
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'revoked' });
  });
});
