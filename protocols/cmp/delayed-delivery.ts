/** Answers to rr and genm that wait for people (RFC 9483 4.4); those with certificates are certificate-polling.ts's affair. */

import type { ApprovalQuery } from '../../src/enrollment/request.js';
import type { Pending } from '../../src/enrollment/result.js';
import { GatewayError, isRefusal } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { encodeErrorMessage } from './asn1/pki-status.js';
import { encodePollRepContent } from './asn1/poll.js';
import { CmpError } from './errors.js';
import {
  beginStatements,
  ended,
  findRepeated,
  firstRequest,
  longestWait,
  proceedStatement,
  type Step,
} from './operation.js';
import { recorded } from './read-request.js';
import { rejectBody } from './rejection.js';
import type { Answer, Ask, CmpRequest } from './request.js';
import type { TransactionRecord, TransactionWrite } from './store.js';

export const waitingReason = 'the request waits for an approval';

/** The waiting answer: for messages that are not about certificates it is in an error message. */
export function waitingError(): Answer {
  const statusInfo = { status: 'waiting', statusString: [waitingReason] } as const;
  return { bodyType: 'error', body: encodeErrorMessage({ statusInfo }) };
}

/** Octets of a message that people may take a year to look at. */
const longestKept = 65_536;

/** The writes that keep an operation whose answer waits. @throws CmpError for a message that is too long to be kept */
export function waitStatements(
  request: CmpRequest,
  answerType: 'rp' | 'genp',
  { requestId }: Pending,
): readonly TransactionWrite[] {
  if (request.message.der.length > longestKept) {
    throw new CmpError('badRequest', `a message that waits for an approval may have ${longestKept} octets`);
  }
  return beginStatements(request, {
    answerType,
    certReqId: wholeMessage,
    state: 'waiting',
    requestId,
    message: request.message.der,
    waitsUntil: longestWait(request.now),
  });
}

/** The writes that keep an operation which has its answer at once: who sends a copy of its message must not have it done again. */
export function endStatements(request: CmpRequest, answerType: 'rp'): readonly TransactionWrite[] {
  return beginStatements(request, { answerType, certReqId: wholeMessage, state: 'closed' });
}

/** RFC 9483 4.4: what is polled for is no CertResponse. */
const wholeMessage = -1;

/**
 * Has a message that comes again told once more that it waits.
 * @throws GatewayError `duplicate-transaction` when another operation has its transactionID, or it has had its answer
 */
export async function unlessWaiting(request: CmpRequest, ask: Ask): Promise<Ask> {
  const begun = await findRepeated(request);
  if (begun !== undefined) {
    const answer = waitingAgain(begun);
    return async () => answer;
  }
  return async () => {
    try {
      return await ask();
    } catch (error) {
      // The same message may have come twice at the same time.
      const twin = isRefusal(error) ? await findRepeated(request) : undefined;
      if (twin === undefined) throw error;
      return waitingAgain(twin);
    }
  };
}

function waitingAgain({ state, serverNonce }: TransactionRecord): Answer {
  if (state === 'waiting') return { ...waitingError(), answerNonce: serverNonce };
  throw new GatewayError('duplicate-transaction', 'the operation of this transactionID has ended');
}

/** What an operation is in after a pollReq that came too early. */
export function stillWaiting({ createdAt }: TransactionRecord): Step {
  return { state: 'waiting', waitsUntil: longestWait(new Date(createdAt)) };
}

/** The answer to a pollReq as long as there is no other. */
export function pollAgain(certReqId: number, { retryAfterSeconds }: Pending): Answer {
  const entry = { certReqId, checkAfter: retryAfterSeconds, reason: [waitingReason] };
  return { bodyType: 'pollRep', body: encodePollRepContent([entry]) };
}

/** What waits, in the terms of the core and of CMP. */
export interface Delayed {
  readonly kind: ApprovalQuery['kind'];
  readonly bodyType: 'rr' | 'genm';
  /** Makes the answer, by the first message. */
  readonly answer: (first: CmpRequest) => Promise<Answer>;
}

/** A pollReq, and what it is about. */
export interface Poll {
  readonly request: CmpRequest;
  readonly record: TransactionRecord;
  readonly requestId: string;
  /** The pollReq's; pollRep has the same. */
  readonly certReqId: number;
}

/** @throws GatewayError */
export async function pollDelayed(
  { request, record, requestId, certReqId }: Poll,
  { kind, bodyType, answer }: Delayed,
): Promise<Answer> {
  const { services, exchange, sender } = request;
  const query = { ...originOf(exchange), protocol: 'cmp', kind } as const;
  const status = await services
    .pollApproval({ ...query, pending: { requestId, credentials: [sender.credential] } })
    .catch(refusalOnly);
  if (status instanceof GatewayError) {
    // RFC 9483 4.4: the final answer to the request, also when that is a refusal.
    await services.commit([proceedStatement(request, record, ended)]);
    return rejectBody(bodyType, status);
  }
  const step = status.outcome === 'pending' ? stillWaiting(record) : ended;
  // Before the answer is made: of polls that come at the same time one only has it, and what it does is done once.
  await recorded('pollReq', request, () => services.commit([proceedStatement(request, record, step)]));
  if (status.outcome === 'pending') return pollAgain(certReqId, status);
  const first = firstRequest(request, record);
  if (first === undefined) throw new GatewayError('internal', 'the message that waited is not on record');
  return await answer(first);
}

/** What refuses a request is the answer to it; all else is thrown again. */
export function refusalOnly(error: unknown): GatewayError {
  if (isRefusal(error)) return error;
  throw error;
}
