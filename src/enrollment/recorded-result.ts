/** Results that are on record already. */
import type { CertificateRecord } from '../store/certificate-record.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { EnrollmentResult } from './result.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

export function recordedResult(
  { der, serialNumber, issuerId }: CertificateRecord,
  { authority }: EnrollmentServices,
): EnrollmentResult {
  return { outcome: 'issued', certificate: der, serialNumber, chain: authority.chain(issuerId), modified: [] };
}

export function pendingResult(
  { requestId }: EnrollmentTransactionRecord,
  { resolved }: EnrollmentTarget,
): EnrollmentResult {
  return { outcome: 'pending', requestId, retryAfterSeconds: resolved.policy.pollInterval };
}
