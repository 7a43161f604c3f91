/** What an approval leaves on record, whatever was approved. */
import { createAuditRecord } from '../audit/audit-record.js';
import type { Policy } from '../model/policy.js';
import type { Trace } from '../policy/decision.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { Store } from '../store/store.js';
import { describeError } from './record.js';

export interface Approving {
  readonly transaction: EnrollmentTransactionRecord;
  readonly approver: string;
  /** Who has approved it before. */
  readonly earlier: readonly string[];
  readonly now: Date;
}

/** Refuses the change if the same person approves it twice at the same time. */
export function approvalStatement(
  { transaction, approver, now }: Approving,
  { enrollmentTransactions }: Store,
): Statement {
  const { requestId } = transaction;
  return enrollmentTransactions.insertApproval({ requestId, approver, at: now.getTime() });
}

/** The writes of an approval after which the requester is awaited. */
export function approvedStatements(
  approving: Approving,
  { approvalTimeout }: Policy,
  store: Store,
): readonly Statement[] {
  const { transaction, approver, now } = approving;
  const { key, requestId } = transaction;
  const at = now.getTime();
  const approved = store.enrollmentTransactions.moveState({
    key,
    requestId,
    from: 'pending',
    to: 'approved',
    at,
    expiresAt: at + approvalTimeout * 1000,
    decidedBy: approver,
    reason: null,
  });
  return [approvalStatement(approving, store), approved];
}

export function approvalRecord({ transaction, approver, now }: Approving): AuditRecord {
  return createAuditRecord({
    at: now,
    action: 'request.approved',
    outcome: 'success',
    subject: transaction.requestId,
    details: { approver },
  });
}

/** @throws GatewayError as `work` does, after the audit event of the failed approval is committed */
export async function recordingFailure<Result>(
  approving: Approving,
  store: Store,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await store.commit({ statements: [], audit: [failedApproval(approving, error, [])] });
    throw error;
  }
}

/**
 * The credentials that must still be good when a request is approved. A revocation passphrase need not: who has stolen the key
 * that sets them could stop the revocation by another one.
 */
export function lastingCredentials({ credentials }: Identity): readonly UsedCredential[] {
  return credentials.filter(({ kind }) => kind !== 'revocation-passphrase');
}

/** What a person has approved and the rules refuse is worth knowing later. */
export function failedApproval({ transaction, approver, now }: Approving, error: unknown, trace: Trace): AuditRecord {
  const { code, reason } = describeError(error);
  return createAuditRecord({
    at: now,
    action: 'request.approval',
    outcome: 'refused',
    subject: transaction.requestId,
    details: { approver, code, reason, trace },
  });
}
