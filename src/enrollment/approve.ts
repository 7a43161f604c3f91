/** What people decide about pending requests. */
import { createAuditRecord } from '../audit/audit-record.js';
import { operatorRequester } from '../authentication/manager.js';
import { GatewayError } from '../errors.js';
import type { Policy } from '../model/policy.js';
import type { Trace } from '../policy/decision.js';
import type { Identity } from '../policy/identity.js';
import { selectProfile } from '../policy/select-profile.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { Store } from '../store/store.js';
import { approveMessage, type MessageApproval } from './approve-message.js';
import {
  type Approving,
  approvalRecord,
  approvalStatement,
  approvedStatements,
  type Decision,
  describeDecision,
  failedApproval,
  lastingCredentials,
  recordingFailure,
} from './approving.js';
import { requireUnrevokedSince } from './credential-use.js';
import { issue } from './issue.js';
import { judge } from './judge.js';
import type { EnrollmentServices } from './services.js';
import { decodeMessage } from './stored-message.js';
import { decodeIdentity, decodeRequest } from './stored-request.js';
import { findTarget } from './target.js';
import { requireNotSupplanted } from './updates.js';

/** How long the device may hear of it. */
export const rejectedLifetimeMilliseconds = 86_400_000;

export type ApprovalResult =
  /** A second person has to approve as well. */
  | { readonly outcome: 'waiting' }
  | { readonly outcome: 'issued'; readonly serialNumber: string }
  /** The gateway makes key and certificate when the device asks again. */
  | { readonly outcome: 'ready' }
  | MessageApproval;

/**
 * Approves a pending request. It is judged again, by the rules and facts of now, and the certificate issued, or the
 * revocation carried out.
 * @throws GatewayError `not-found`, `invalid-state` when it is not pending or this person approved it before, `forbidden` when
 * two people have to and this one has made it, and whatever refuses the request now.
 */
export async function approveRequest(
  requestId: string,
  decision: Decision,
  services: EnrollmentServices,
): Promise<ApprovalResult> {
  const { store, clock } = services;
  const { actor } = decision;
  const transaction = await findPending(requestId, services);
  const { policy } = findTarget(services.catalog(), labelOf(transaction)).resolved;
  const earlier = await store.enrollmentTransactions.approvals({ requestId });
  if (earlier.some(({ approver }) => approver === actor.person))
    throw new GatewayError('invalid-state', `${actor.name} has approved this request before; another person has to`);
  const identity = decodeIdentity(transaction.identity);
  const approval: Approving = { transaction, ...decision, earlier, now: clock.now() };
  if (policy.approval === 'two-people') {
    await recordingFailure(approval, store, () => requireOther(identity, approval, store));
    if (earlier.length === 0) return await recordFirst(approval, services);
  }
  const message = decodeMessage(transaction.request);
  if (message) {
    return await recordingFailure(approval, store, async () => {
      await requireUnrevoked(identity, services);
      return await approveMessage(approval, message, policy, services);
    });
  }
  await recordingFailure(approval, store, () => requireUnrevoked(identity, services));
  const request = decodeRequest(transaction.request);
  if (request.supplants) await requireStillInPlace(identity, services);
  return request.generateKey ? await recordReady(approval, policy, services) : await issueApproved(approval, services);
}

async function recordFirst(approving: Approving, { store }: EnrollmentServices): Promise<ApprovalResult> {
  const { transaction, now } = approving;
  await store.commit({
    statements: [approvalStatement(approving, store)],
    audit: [
      createAuditRecord({
        at: now,
        action: 'request.approval',
        outcome: 'pending',
        subject: transaction.requestId,
        details: { ...describeDecision(approving), of: 2 },
      }),
    ],
  });
  return { outcome: 'waiting' };
}

/** The key is made when the device asks again: until then nothing is, because keys are not kept. */
async function recordReady(
  approving: Approving,
  policy: Policy,
  { store }: EnrollmentServices,
): Promise<ApprovalResult> {
  await store.commit({
    statements: approvedStatements(approving, policy, store),
    audit: [approvalRecord(approving)],
  });
  return { outcome: 'ready' };
}

async function issueApproved(approving: Approving, services: EnrollmentServices): Promise<ApprovalResult> {
  const { transaction, now } = approving;
  const { key, requestId } = transaction;
  const target = findTarget(services.catalog(), labelOf(transaction));
  const request = decodeRequest(transaction.request);
  const identity = decodeIdentity(transaction.identity);
  const { usage, profile } = selectProfile(identity, target.resolved, request);
  const { policy } = target.resolved;
  const { confirmWithin } = request;
  let trace: Trace = [];
  const matter = { ...target, policy, usage, profile, identity, request, approved: true, now };
  const { decision, facts } = await judge(matter, services, (entries) => {
    trace = entries;
  }).catch(async (error) => {
    await services.store.commit({ statements: [], audit: [failedApproval(approving, error, trace)] });
    throw error;
  });
  if (decision.outcome === 'pending') throw new GatewayError('internal', 'an approved request is still pending');
  const { serialNumber } = await issue(
    {
      request: {
        ...request,
        requestId,
        accompanying: () => [approvalStatement(approving, services.store)],
        // The usual time begins when the device comes for its certificate.
        ...(confirmWithin === undefined ? {} : { confirmWithin: policy.approvalTimeout + confirmWithin }),
      },
      identity,
      facts,
      decision,
      key,
      answer: { state: 'pending', transaction },
      approval: (certificate) => approvalRecord(approving, certificate),
      now,
    },
    services,
  );
  return { outcome: 'issued', serialNumber };
}

/**
 * Rejects a pending request; the device is told so, with the comment, when it asks again.
 * @throws GatewayError `not-found`, and `invalid-state` when it is not pending
 */
export async function rejectRequest(
  requestId: string,
  decision: Decision,
  services: EnrollmentServices,
): Promise<void> {
  const { store, clock } = services;
  const { key } = await findPending(requestId, services);
  const now = clock.now();
  const at = now.getTime();
  await store.commit({
    statements: [
      store.enrollmentTransactions.moveState({
        key,
        requestId,
        from: 'pending',
        to: 'rejected',
        at,
        expiresAt: at + rejectedLifetimeMilliseconds,
        decidedBy: decision.actor.name,
        reason: decision.comment ?? null,
      }),
    ],
    audit: [
      createAuditRecord({
        at: now,
        action: 'request.rejected',
        outcome: 'success',
        subject: requestId,
        details: describeDecision(decision),
      }),
    ],
  });
}

async function findPending(
  requestId: string,
  { store, clock }: EnrollmentServices,
): Promise<EnrollmentTransactionRecord> {
  const transaction = await store.enrollmentTransactions.findByRequestId({ requestId });
  if (transaction === undefined) throw new GatewayError('not-found', 'there is no pending request with this id');
  if (transaction.state !== 'pending')
    throw new GatewayError('invalid-state', `the request is ${transaction.state}, not pending`);
  if (transaction.expiresAt <= clock.now().getTime())
    throw new GatewayError('invalid-state', 'the request has waited too long and has expired');
  return transaction;
}

function labelOf({ policy, groupName }: EnrollmentTransactionRecord): string {
  return groupName === null ? policy : `${policy}~${groupName}`;
}

/** Two people are two others than the one who wants the certificate. */
async function requireOther({ requester }: Identity, { actor }: Decision, { apiKeys }: Store): Promise<void> {
  const [, keyId] = /^api-key:(.+)$/.exec(requester) ?? [];
  const key = keyId === undefined ? undefined : await apiKeys.findById({ id: keyId });
  const maker = key?.owner == null ? requester : `user:${key.owner}`;
  if (maker !== operatorRequester(actor.person) && maker !== actor.person) return;
  throw new GatewayError('forbidden', `${actor.name} has made this request; two other people have to approve it`);
}

/** Nor one update follow another that was made meanwhile. */
async function requireStillInPlace({ issuedCertificate }: Identity, services: EnrollmentServices): Promise<void> {
  if (issuedCertificate === undefined) return;
  const { issuerId, serialNumber } = issuedCertificate;
  const record = await services.store.certificates.findByIssuerAndSerial(issuerId, serialNumber);
  await requireNotSupplanted(record, services);
}

/** A credential that was revoked while the request waited must not get its certificate by an approval given unawares. */
async function requireUnrevoked(identity: Identity, { store }: EnrollmentServices): Promise<void> {
  for (const credential of lastingCredentials(identity)) await requireUnrevokedSince(credential, store);
}
