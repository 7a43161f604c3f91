/** What people decide about pending requests. */
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import type { Identity } from '../policy/identity.js';
import { selectProfile } from '../policy/select-profile.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import { issue } from './issue.js';
import { judge } from './judge.js';
import type { EnrollmentServices } from './services.js';
import { decodeIdentity, decodeRequest } from './stored-request.js';
import { findTarget } from './target.js';

const rejectedLifetimeMilliseconds = 86_400_000;

export type ApprovalResult =
  /** A second person has to approve as well. */
  | { readonly outcome: 'waiting' }
  | { readonly outcome: 'issued'; readonly serialNumber: string }
  /** The gateway makes key and certificate when the device asks again. */
  | { readonly outcome: 'ready' };

/**
 * Approves a pending request. It is judged again, by the rules and facts of now, and the certificate issued.
 * @throws GatewayError `not-found`, `invalid-state` when it is not pending or this person approved it before, and whatever
 * refuses the request now.
 */
export async function approveRequest(
  requestId: string,
  approver: string,
  services: EnrollmentServices,
): Promise<ApprovalResult> {
  const { store, clock } = services;
  const transaction = await findPending(requestId, services);
  const target = findTarget(services.catalog(), labelOf(transaction));
  const now = clock.now();
  const at = now.getTime();
  if (
    target.resolved.policy.approval === 'two-people' &&
    (await store.enrollmentTransactions.countApprovals({ requestId })) === 0
  ) {
    await store.commit({
      statements: [store.enrollmentTransactions.insertApproval({ requestId, approver, at })],
      audit: [
        createAuditRecord({
          at: now,
          action: 'request.approval',
          outcome: 'pending',
          subject: requestId,
          details: { approver, of: 2 },
        }),
      ],
    });
    return { outcome: 'waiting' };
  }
  const request = decodeRequest(transaction.request);
  const identity = decodeIdentity(transaction.identity);
  await requireUnrevoked(identity, services);
  const approval = store.enrollmentTransactions.insertApproval({ requestId, approver, at });
  const audit = createAuditRecord({
    at: now,
    action: 'request.approved',
    outcome: 'success',
    subject: requestId,
    details: { approver },
  });
  const { key } = transaction;
  if (request.generateKey) {
    const expiresAt = at + target.resolved.policy.approvalTimeout * 1000;
    await store.commit({
      statements: [
        approval,
        store.enrollmentTransactions.moveState({
          key,
          requestId,
          from: 'pending',
          to: 'approved',
          at,
          expiresAt,
          decidedBy: approver,
          reason: null,
        }),
      ],
      audit: [audit],
    });
    return { outcome: 'ready' };
  }
  const { usage, profile } = selectProfile(identity, target.resolved);
  const { decision, facts } = await judge(
    { target, usage, profile, identity, request, approved: true, now },
    services,
    () => undefined,
  );
  if (decision.outcome === 'pending') throw new GatewayError('internal', 'an approved request is still pending');
  const { serialNumber } = await issue(
    {
      request: { ...request, requestId, accompanying: () => [approval] },
      identity,
      facts,
      decision,
      key,
      answer: { state: 'pending', transaction },
      approval: audit,
      now,
    },
    services,
  );
  return { outcome: 'issued', serialNumber };
}

/** Rejects a pending request; the device is told so, with the reason, when it asks again. */
export async function rejectRequest(
  requestId: string,
  rejectedBy: string,
  reason: string | null,
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
        decidedBy: rejectedBy,
        reason,
      }),
    ],
    audit: [
      createAuditRecord({
        at: now,
        action: 'request.rejected',
        outcome: 'success',
        subject: requestId,
        details: { rejectedBy, reason },
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

/** A credential that was revoked while the request waited must not get its certificate by an approval given unawares. */
async function requireUnrevoked({ credentials }: Identity, { store }: EnrollmentServices): Promise<void> {
  for (const { id, name } of credentials) {
    const record = await store.credentials.findById({ id });
    if (record === undefined || record.revokedAt !== null) {
      throw new GatewayError(
        'invalid-state',
        `the credential ${name} that the request was made with has been revoked since; reject the request`,
      );
    }
  }
}
