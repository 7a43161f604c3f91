/** Retransmissions and pending requests: what makes two messages one transaction, and what the first one got. */
import { hash } from 'node:crypto';
import { GatewayError } from '../errors.js';
import type { CertificateProfile } from '../model/certificate-profile.js';
import { type CertificateRecord, hasLapsed } from '../store/certificate-record.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { Store } from '../store/store.js';
import type { Conversation } from './request.js';
import type { EnrollmentTarget } from './target.js';

const answerLifetimeMilliseconds = 3_600_000;

/**
 * The owner and the place are part of the key: nobody gets an answer that was made for another, or elsewhere.
 * `owner`: the requester, or the holder of a conversation's key.
 */
export function transactionKey(transactionId: string, { resolved, group }: EnrollmentTarget, owner: string): string {
  return hash('sha256', JSON.stringify([resolved.policy.name, group.name, owner, transactionId]), 'base64url');
}

/** What the transactions of a conversation are found by; another value than any transaction's key. */
export function conversationKey({ id, holder }: Conversation, { resolved, group }: EnrollmentTarget): string {
  const parts = ['conversation', resolved.policy.name, group.name, holder, id];
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

export type RecordedAnswer =
  /** `expiredBy`: what is recorded under the key, if anything, expires by then and may be replaced (epoch milliseconds). */
  | { readonly state: 'none'; readonly expiredBy: number }
  | { readonly state: 'pending'; readonly transaction: EnrollmentTransactionRecord }
  /** Approved, but not issued yet: the gateway makes the key when it is picked up. */
  | { readonly state: 'approved'; readonly transaction: EnrollmentTransactionRecord }
  | {
      readonly state: 'issued';
      readonly transaction: EnrollmentTransactionRecord;
      readonly certificate: CertificateRecord;
    };

/** What is recorded under a transaction's key. @throws GatewayError `forbidden` when the request was rejected. */
export async function findAnswer(
  key: string,
  store: Pick<Store, 'enrollmentTransactions' | 'certificates'>,
  now: Date,
): Promise<RecordedAnswer> {
  return await answerOf(await store.enrollmentTransactions.findByKey({ key }), store, now);
}

/** What a transaction that was found, if any, answers. @throws GatewayError `forbidden` when the request was rejected. */
export async function answerOf(
  transaction: EnrollmentTransactionRecord | undefined,
  store: Pick<Store, 'certificates'>,
  now: Date,
): Promise<RecordedAnswer> {
  if (transaction === undefined || transaction.expiresAt <= now.getTime()) {
    return { state: 'none', expiredBy: now.getTime() };
  }
  switch (transaction.state) {
    case 'pending':
    case 'approved':
      return { state: transaction.state, transaction };
    case 'rejected':
      throw new GatewayError(
        'forbidden',
        `the request was rejected${transaction.reason ? `: ${transaction.reason}` : ''}`,
      );
    default:
      return await findIssued(transaction, store, now);
  }
}

async function findIssued(
  transaction: EnrollmentTransactionRecord,
  store: Pick<Store, 'certificates'>,
  now: Date,
): Promise<RecordedAnswer> {
  const { certificateIssuer, certificateSerial } = transaction;
  const certificate =
    certificateIssuer !== null && certificateSerial !== null
      ? await store.certificates.findByIssuerAndSerial(certificateIssuer, certificateSerial)
      : undefined;
  if (certificate === undefined) throw new GatewayError('internal', 'the recorded answer has no certificate');
  if (certificate.status === 'valid' && !hasLapsed(certificate, now))
    return { state: 'issued', transaction, certificate };
  // Anybody may have captured a conversation's message, and must not bring a revoked certificate back by sending it again.
  if (transaction.conversation !== null) {
    throw new GatewayError(
      'revoked-requester',
      'this request was answered with a certificate that is revoked; begin anew with another key',
    );
  }
  // No protocol knows "you had one, but it is revoked": the request stands for itself again.
  return { state: 'none', expiredBy: transaction.expiresAt };
}

interface AnswerLifetime {
  readonly now: Date;
  readonly notAfter: Date;
  readonly profile: CertificateProfile;
  /** Seconds; given where the device may come for its answer as late as it may for an approval. */
  readonly approvalTimeout?: number;
  /** Until then a copy of the message would pass for a new one. */
  readonly replayableUntil?: Date;
}

/**
 * When a recorded answer stops being one: after an hour, or as long as the message could be replayed, but no later than the
 * certificate's renewal window opens (epoch milliseconds).
 */
export function answerExpiry(answer: AnswerLifetime): number {
  const { now, notAfter, profile, approvalTimeout, replayableUntil } = answer;
  const lifetime = approvalTimeout === undefined ? answerLifetimeMilliseconds : approvalTimeout * 1000;
  const wanted = Math.max(now.getTime() + lifetime, replayableUntil?.getTime() ?? 0);
  const end = notAfter.getTime() - (profile.renewal.window ?? 0) * 1000;
  return Math.min(wanted, Math.max(end, now.getTime()));
}
