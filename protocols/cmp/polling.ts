/** pollReq and pollRep (RFC 9810 5.3.22, RFC 9483 4.4): what has become of a request that waits for an approval. */

import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { isRefusal } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { decodePollReqContent, encodePollRepContent } from './asn1/poll.js';
import { sealGeneratedKey } from './central-key.js';
import { isKeyWanted, readWish } from './certificate-request.js';
import { ask, type CertificateWish, confirmationEnd, issuedAnswer } from './enrollment.js';
import { CmpError, decoding } from './errors.js';
import { findOperation, firstRequest, proceedStatement, type Step } from './operation.js';
import { isCertificateEncrypted } from './proof-of-possession.js';
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
  const { services } = request;
  const { certReqId } = record;
  const answerType = record.answerType as CertificateWish['answerType'];
  const first = firstRequest(request, record);
  const isEncrypted = first !== undefined && isCertificateEncrypted(first.message);
  const confirmUntil = confirmationEnd(request, first?.header.implicitConfirm === true && !isEncrypted);
  const proceed = (result: EnrollmentResult) => [
    proceedStatement(request, record, stepTo(result, record, confirmUntil)),
  ];
  try {
    const found = await services.poll({
      ...originOf(request.exchange),
      protocol: 'cmp',
      pending: { requestId, credentials: [request.sender.credential] },
    });
    // A key is made when its approved request is asked for again.
    const isAskedAgain = found.outcome === 'pending' && first !== undefined && isKeyWanted(first);
    const result = isAskedAgain ? await ask(first, await readWish(first), confirmUntil, proceed) : found;
    const isKept = isAskedAgain && result.outcome === 'issued';
    if (!isKept) await services.commit(proceed(result));
    if (result.outcome === 'pending') {
      const reason = ['the request waits for an approval'];
      return {
        bodyType: 'pollRep',
        body: encodePollRepContent([{ certReqId, checkAfter: result.retryAfterSeconds, reason }]),
      };
    }
    const { certificate, chain, modified } = result;
    const privateKey = isAskedAgain ? await sealGeneratedKey(first, result) : undefined;
    const issued = { answerType, certReqId, certificate, chain, isEncrypted, privateKey, modified, confirmUntil };
    return issuedAnswer(issued);
  } catch (error) {
    // RFC 9483 4.4: the final answer to the request, also when that is a refusal.
    if (!isRefusal(error)) throw error;
    await services.commit([proceedStatement(request, record, { state: 'closed', message: null, requestId: null })]);
    return rejection(answerType, error, certReqId);
  }
}

function stepTo(result: EnrollmentResult, { expiresAt }: TransactionRecord, confirmUntil: Date | undefined): Step {
  if (result.outcome === 'pending') return { state: 'waiting', waitsUntil: new Date(expiresAt) };
  const issued = { certificate: result.certificate, message: null, requestId: null };
  return confirmUntil === undefined
    ? { ...issued, state: 'closed' }
    : { ...issued, state: 'unconfirmed', waitsUntil: confirmUntil };
}
