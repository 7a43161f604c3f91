/** Looks a pending request up, for protocols whose clients poll instead of repeating their request. */
import { GatewayError } from '../errors.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import { authenticateRequest } from './authenticate-request.js';
import { deliver, pendingResult } from './recorded-result.js';
import { recordingRefusals } from './recording-refusals.js';
import type { ApprovalQuery, PollRequest } from './request.js';
import type { ApprovalStatus, EnrollmentResult } from './result.js';
import type { EnrollmentServices } from './services.js';
import { decodeMessage, type StoredMessage } from './stored-message.js';
import { decodeIdentity } from './stored-request.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';
import { answerOf, conversationKey, type RecordedAnswer } from './transaction.js';

/** @throws GatewayError for every refusal, after its audit event is committed. */
export function poll(request: PollRequest, services: EnrollmentServices): Promise<EnrollmentResult> {
  return recordingRefusals({ ...request, operation: 'poll' }, services, async () => {
    const { target, answer } = await findAnswer({ ...request, kind: 'certificate' }, services);
    switch (answer.state) {
      case 'none':
        throw unknownRequest();
      case 'issued':
        return await deliver(answer, services);
      default:
        return pendingResult(answer.transaction, target);
    }
  });
}

/** @throws GatewayError for every refusal, after its audit event is committed. */
export function pollApproval(query: ApprovalQuery, services: EnrollmentServices): Promise<ApprovalStatus> {
  return recordingRefusals({ ...query, operation: 'poll' }, services, async () => {
    const { target, answer } = await findAnswer(query, services);
    switch (answer.state) {
      case 'approved':
        return { outcome: 'approved' };
      case 'pending':
        return pendingResult(answer.transaction, target);
      default:
        throw unknownRequest();
    }
  });
}

function unknownRequest(): GatewayError {
  return new GatewayError('not-found', 'this requester has no such request');
}

type Poll = PollRequest & { readonly kind: 'certificate' | StoredMessage['kind'] };

async function findAnswer(
  request: Poll,
  services: EnrollmentServices,
): Promise<{ target: EnrollmentTarget; answer: RecordedAnswer }> {
  const { store, clock } = services;
  const target = findTarget(services.catalog(), request.label);
  requireMethod(target.resolved, request.protocol);
  const found = await findTransaction(request, target, services);
  // Whoever asks for one kind is told nothing of another.
  const transaction = found && kindOf(found) === request.kind ? found : undefined;
  return { target, answer: await answerOf(transaction, store, clock.now()) };
}

function kindOf({ request }: EnrollmentTransactionRecord): Poll['kind'] {
  return decodeMessage(request)?.kind ?? 'certificate';
}

/** The transaction, if it is the requester's own. @throws GatewayError as authentication does */
async function findTransaction(
  { pending, protocol, remoteAddress, kind }: Poll,
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
  // Once it is approved, a revocation has ended the very certificate that its requester asks with.
  const acceptRevoked = kind === 'revocation';
  const asked = { protocol, credentials, operation, remoteAddress, acceptRevoked } as const;
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
