/** Looks a pending request up by its id, for protocols whose clients poll instead of repeating their request. */
import { GatewayError } from '../errors.js';
import { authenticateRequest } from './authenticate-request.js';
import { recordRefusedMessage } from './record.js';
import { pendingResult, recordedResult } from './recorded-result.js';
import type { PollRequest } from './request.js';
import type { EnrollmentResult } from './result.js';
import type { EnrollmentServices } from './services.js';
import { decodeIdentity } from './stored-request.js';
import { findTarget, requireMethod } from './target.js';
import { answerOf } from './transaction.js';

/** @throws GatewayError for every refusal, after its audit event is committed. */
export async function poll(request: PollRequest, services: EnrollmentServices): Promise<EnrollmentResult> {
  try {
    return await findResult(request, services);
  } catch (error) {
    if (error instanceof GatewayError) {
      const { pendingRequestId: _pending, credentials: _credentials, ...message } = request;
      await recordRefusedMessage({ ...message, operation: 'poll', code: error.code, reason: error.message }, services);
    }
    throw error;
  }
}

async function findResult(request: PollRequest, services: EnrollmentServices): Promise<EnrollmentResult> {
  const { store, clock } = services;
  const now = clock.now();
  const target = findTarget(services.catalog(), request.label);
  requireMethod(target.resolved, request.protocol);
  const { identity } = await authenticateRequest({ ...request, operation: 'enroll' }, target, now, services);
  const transaction = await store.enrollmentTransactions.findByRequestId({ requestId: request.pendingRequestId });
  // A request that was never pending keeps no identity, and nobody polls for it.
  const isOwn =
    transaction !== undefined &&
    transaction.identity !== '{}' &&
    transaction.policy === target.resolved.policy.name &&
    decodeIdentity(transaction.identity).requester === identity.requester;
  const answer = await answerOf(isOwn ? transaction : undefined, store, now);
  switch (answer.state) {
    case 'none':
      throw new GatewayError('not-found', 'this requester has no pending request of this id');
    case 'issued':
      return recordedResult(answer.certificate, services);
    default:
      return pendingResult(answer.transaction, target);
  }
}
