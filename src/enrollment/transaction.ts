/** Retransmissions and pending requests: what makes two messages one transaction, and what the first one got. */
import { hash } from 'node:crypto';
import { GatewayError } from '../errors.js';
import type { CertificateProfile } from '../model/certificate-profile.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { Store } from '../store/store.js';
import type { EnrollmentTarget } from './target.js';

const answerLifetimeMilliseconds = 3_600_000;

/** The requester and the place are part of the key: nobody gets an answer that was made for another, or elsewhere. */
export function transactionKey(
  transactionId: string,
  { resolved, group }: EnrollmentTarget,
  requester: string,
): string {
  return hash('sha256', JSON.stringify([resolved.policy.name, group.name, requester, transactionId]), 'base64url');
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
      return await findIssued(transaction, store);
  }
}

async function findIssued(
  transaction: EnrollmentTransactionRecord,
  store: Pick<Store, 'certificates'>,
): Promise<RecordedAnswer> {
  const { certificateIssuer, certificateSerial } = transaction;
  const certificate =
    certificateIssuer !== null && certificateSerial !== null
      ? await store.certificates.findByIssuerAndSerial(certificateIssuer, certificateSerial)
      : undefined;
  if (certificate === undefined) throw new GatewayError('internal', 'the recorded answer has no certificate');
  // No protocol knows "you had one, but it is revoked": the request stands for itself again.
  return certificate.status === 'valid'
    ? { state: 'issued', transaction, certificate }
    : { state: 'none', expiredBy: transaction.expiresAt };
}

interface AnswerLifetime {
  readonly now: Date;
  readonly notAfter: Date;
  readonly profile: CertificateProfile;
  /** Seconds; given where the device may come for its answer as late as it may for an approval. */
  readonly approvalTimeout?: number;
}

/** When a recorded answer stops being one: after an hour, or when the certificate's renewal window opens (epoch milliseconds). */
export function answerExpiry({ now, notAfter, profile: { renewal }, approvalTimeout }: AnswerLifetime): number {
  const lifetime = approvalTimeout === undefined ? answerLifetimeMilliseconds : approvalTimeout * 1000;
  const end = notAfter.getTime() - (renewal.window ?? 0) * 1000;
  return Math.min(now.getTime() + lifetime, Math.max(end, now.getTime()));
}
