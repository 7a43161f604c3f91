/** pollReq and pollRep (RFC 9810 5.3.22, RFC 9483 4.4): what has become of a request that waits for an approval. */

import { isRefusal } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { decodePkiMessage } from './asn1/pki-message.js';
import { decodePollReqContent, encodePollRepContent } from './asn1/poll.js';
import { type CertificateWish, issuedAnswer } from './enrollment.js';
import { CmpError, decoding } from './errors.js';
import { checkHeader } from './header-checks.js';
import { findOperation, proceedStatement } from './operation.js';
import { rejection } from './rejection.js';
import type { Answer, Ask, CmpRequest } from './request.js';
import type { TransactionRecord } from './store.js';

/** @throws GatewayError */
export async function readPoll(request: CmpRequest): Promise<Ask> {
  const record = await findOperation(request);
  const { requestId, state, certReqId } = record;
  if (state !== 'waiting' || requestId === null) {
    throw new CmpError('badRequest', 'nothing of this operation is waited for', 'invalid-state');
  }
  const [asked, ...others] = decoding('the body', () => decodePollReqContent(request.message.body));
  if (asked !== certReqId || others.length > 0) {
    throw new CmpError('badRequest', `a pollReq must have the certReqId ${certReqId}`);
  }
  return () => poll(request, record, requestId);
}

async function poll(request: CmpRequest, record: TransactionRecord, requestId: string): Promise<Answer> {
  const { services, exchange, sender, policy, now } = request;
  const { certReqId } = record;
  const answerType = record.answerType as CertificateWish['answerType'];
  try {
    const result = await services.poll({
      ...originOf(exchange),
      protocol: 'cmp',
      pending: { requestId, credentials: [sender.credential] },
    });
    if (result.outcome === 'pending') {
      await services.commit([
        proceedStatement(request, record, { state: 'waiting', waitsUntil: new Date(record.expiresAt) }),
      ]);
      const reason = ['the request waits for an approval'];
      return {
        bodyType: 'pollRep',
        body: encodePollRepContent([{ certReqId, checkAfter: result.retryAfterSeconds, reason }]),
      };
    }
    const { certificate, modified } = result;
    const isImplicit = wantsNoConfirmation(request, record) && policy.cmp.implicitConfirm;
    const confirmUntil = isImplicit ? undefined : new Date(now.getTime() + policy.cmp.confirmWait * 1000);
    const step =
      confirmUntil === undefined
        ? ({ state: 'closed' } as const)
        : ({ state: 'unconfirmed', waitsUntil: confirmUntil } as const);
    await services.commit([
      proceedStatement(request, record, { ...step, certificate, message: null, requestId: null }),
    ]);
    return issuedAnswer(request, { answerType, certReqId, certificate, modified, confirmUntil });
  } catch (error) {
    // RFC 9483 4.4: the final answer to the request, also when that is a refusal.
    if (!isRefusal(error)) throw error;
    await services.commit([proceedStatement(request, record, { state: 'closed', message: null, requestId: null })]);
    return rejection(answerType, error, certReqId);
  }
}

/** What the message asked for that began the operation. */
function wantsNoConfirmation({ policy }: CmpRequest, { message, createdAt }: TransactionRecord): boolean {
  if (message === null) return false;
  const first = decodePkiMessage(message);
  return checkHeader(first.header, first.bodyType, policy, new Date(createdAt)).implicitConfirm;
}
