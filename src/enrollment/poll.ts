/** Looks a pending request up, for protocols whose clients poll instead of repeating their request. */
import { GatewayError } from '../errors.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import { authenticateRequest } from './authenticate-request.js';
import { deliver, pendingResult } from './recorded-result.js';
import { recordingRefusals } from './recording-refusals.js';
import type { PollRequest } from './request.js';
import type { EnrollmentResult } from './result.js';
import type { EnrollmentServices } from './services.js';
import { decodeIdentity } from './stored-request.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';
import { answerOf, conversationKey } from './transaction.js';

/** @throws GatewayError for every refusal, after its audit event is committed. */
export function poll(request: PollRequest, services: EnrollmentServices): Promise<EnrollmentResult> {
  return recordingRefusals({ ...request, operation: 'poll' }, services, () => findResult(request, services));
}

async function findResult(request: PollRequest, services: EnrollmentServices): Promise<EnrollmentResult> {
  const { store, clock } = services;
  const target = findTarget(services.catalog(), request.label);
  requireMethod(target.resolved, request.protocol);
  const answer = await answerOf(await findTransaction(request, target, services), store, clock.now());
  switch (answer.state) {
    case 'none':
      throw new GatewayError('not-found', 'this requester has no such request');
    case 'issued':
      return await deliver(answer, services);
    default:
      return pendingResult(answer.transaction, target);
  }
}

/** The transaction, if it is the requester's own. @throws GatewayError as authentication does */
async function findTransaction(
  { pending, protocol, remoteAddress }: PollRequest,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<EnrollmentTransactionRecord | undefined> {
  const { enrollmentTransactions } = services.store;
  if ('conversation' in pending) {
    return await enrollmentTransactions.findByConversation({
      conversation: conversationKey(pending.conversation, target),
    });
  }
  const { credentials, requestId } = pending;
  // Over CMP the request may have brought a secret besides what all of its messages are protected with.
  const operation = protocol === 'cmp' ? 'message' : 'enroll';
  const asked = { credentials, operation, remoteAddress } as const;
  const { identity } = await authenticateRequest(asked, target, services.clock.now(), services);
  const transaction = await enrollmentTransactions.findByRequestId({ requestId });
  // A request that was never pending keeps no identity, and nobody polls for it.
  const isOwn =
    transaction !== undefined &&
    transaction.identity !== '{}' &&
    transaction.policy === target.resolved.policy.name &&
    decodeIdentity(transaction.identity).requester === identity.requester;
  return isOwn ? transaction : undefined;
}
