/** Results that are on record already. */
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import type { EnrollmentResult, Pending } from './result.js';
import type { EnrollmentServices } from './services.js';
import { decodeRequest } from './stored-request.js';
import type { EnrollmentTarget } from './target.js';
import type { RecordedAnswer } from './transaction.js';

/** The certificate that answers a transaction. Who comes for one that it has to confirm has the usual time from now on. */
export async function deliver(
  { certificate, transaction }: Extract<RecordedAnswer, { state: 'issued' }>,
  { authority, store, clock }: EnrollmentServices,
): Promise<EnrollmentResult> {
  const { id, der, serialNumber, issuerId, confirmBy } = certificate;
  // A request that was not pending is not kept: its time began when it was answered.
  const request = transaction.request === '{}' ? undefined : decodeRequest(transaction.request);
  const confirmWithin = request?.confirmWithin;
  if (confirmBy !== null && confirmWithin !== undefined) {
    const sooner = clock.now().getTime() + confirmWithin * 1000;
    await store.commit({ statements: [store.certificates.confirmSooner({ id, confirmBy: sooner })], audit: [] });
  }
  const chain = authority.chain(issuerId);
  return { outcome: 'issued', certificate: der, serialNumber, chain, modified: request?.modified ?? [] };
}

export function pendingResult(
  { requestId }: Pick<EnrollmentTransactionRecord, 'requestId'>,
  { resolved }: EnrollmentTarget,
): Pending {
  return { outcome: 'pending', requestId, retryAfterSeconds: resolved.policy.pollInterval };
}
