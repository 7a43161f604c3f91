/** Requesters that go no further with what they began (RFC 9810 5.3.21). */
import { createAuditRecord } from '../audit/audit-record.js';
import { fitForLog } from '../fit-for-log.js';
import type { Statement } from '../store/change.js';
import { rejectedLifetimeMilliseconds } from './approve.js';
import type { Withdrawal } from './request.js';
import type { EnrollmentServices } from './services.js';
import { decodeIdentity } from './stored-request.js';

/**
 * Records that a requester wants no more of what it began, and rejects its request while that waits for an approval. What was
 * approved meanwhile stays: the certificate lapses when nobody comes for it.
 * @throws GatewayError as `accompanying` says, or `invalid-state` when an operator decides at the same time
 */
export async function withdraw(withdrawal: Withdrawal, services: EnrollmentServices): Promise<void> {
  const { protocol, requester, pending, reason, remoteAddress, requestId, accompanying = [] } = withdrawal;
  const now = services.clock.now();
  const rejections = pending === undefined ? [] : await rejection(pending, withdrawal, now, services);
  await services.store.commit({
    statements: [...rejections, ...accompanying],
    audit: [
      createAuditRecord({
        id: requestId,
        at: now,
        action: 'request.withdrawn',
        outcome: 'success',
        subject: pending ?? requestId,
        details: { protocol, remoteAddress, requester, said: fitForLog(reason) },
      }),
    ],
  });
}

async function rejection(
  pending: string,
  { requester, reason }: Withdrawal,
  now: Date,
  { store }: EnrollmentServices,
): Promise<readonly Statement[]> {
  const transaction = await store.enrollmentTransactions.findByRequestId({ requestId: pending });
  const at = now.getTime();
  if (transaction?.state !== 'pending' || transaction.expiresAt <= at) return [];
  if (decodeIdentity(transaction.identity).requester !== requester) return [];
  return [
    store.enrollmentTransactions.moveState({
      key: transaction.key,
      requestId: pending,
      from: 'pending',
      to: 'rejected',
      at,
      expiresAt: at + rejectedLifetimeMilliseconds,
      decidedBy: requester,
      reason: `withdrawn by its requester${reason === '' ? '' : `: ${fitForLog(reason)}`}`,
    }),
  ];
}
