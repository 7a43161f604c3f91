/** What an approval leaves on record, whatever was approved. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import type { Policy } from '../model/policy.js';
import type { Trace } from '../policy/decision.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { EnrollmentApprovalRecord } from '../store/enrollment-approvals.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { Store } from '../store/store.js';
import { describeError } from './record.js';

/** What a person decides. */
export interface Decision {
  readonly actor: Actor;
  /** Why: on record for others who manage the gateway, and what the device is told of a rejection. */
  readonly comment?: string;
}

export interface Approving extends Decision {
  readonly transaction: EnrollmentTransactionRecord;
  /** The approvals before. */
  readonly earlier: readonly EnrollmentApprovalRecord[];
  readonly now: Date;
}

/** Refuses the change if the same person approves it twice at the same time. */
export function approvalStatement(
  { transaction, actor, comment, now }: Approving,
  { enrollmentTransactions }: Store,
): Statement {
  const { requestId } = transaction;
  const { person: approver, name } = actor;
  return enrollmentTransactions.insertApproval({
    requestId,
    approver,
    at: now.getTime(),
    name,
    comment: comment ?? null,
  });
}

/** For the details of an audit event. */
export function describeDecision({ actor, comment }: Decision): Readonly<Record<string, unknown>> {
  return { ...byActor(actor), comment };
}

/** The writes of an approval after which the requester is awaited. */
export function approvedStatements(
  approving: Approving,
  { approvalTimeout }: Policy,
  store: Store,
): readonly Statement[] {
  const { transaction, actor, now } = approving;
  const { key, requestId } = transaction;
  const at = now.getTime();
  const approved = store.enrollmentTransactions.moveState({
    key,
    requestId,
    from: 'pending',
    to: 'approved',
    at,
    expiresAt: at + approvalTimeout * 1000,
    decidedBy: actor.name,
    reason: null,
  });
  return [approvalStatement(approving, store), approved];
}

/** @param certificate the id of what was issued by it */
export function approvalRecord(approving: Approving, certificate?: string): AuditRecord {
  const { transaction, now } = approving;
  return createAuditRecord({
    at: now,
    action: 'request.approved',
    outcome: 'success',
    subject: transaction.requestId,
    details: { ...describeDecision(approving), certificate },
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
export function failedApproval(approving: Approving, error: unknown, trace: Trace): AuditRecord {
  const { transaction, now } = approving;
  const { code, reason } = describeError(error);
  return createAuditRecord({
    at: now,
    action: 'request.approval',
    outcome: 'refused',
    subject: transaction.requestId,
    details: { ...describeDecision(approving), code, reason, trace },
  });
}
