/** pollReq for a certificate that waits for an approval (RFC 9483 4.4). */

import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { sealGeneratedKey } from './central-key.js';
import { isKeyWanted, readAssignedFields, readWish } from './certificate-request.js';
import { type Poll, pollAgain, refusalOnly, stillWaiting } from './delayed-delivery.js';
import { ask, type CertificateWish, confirmationEnd, issuedAnswer } from './enrollment.js';
import { type AssignedFields, modificationsOf } from './modifications.js';
import { ended, firstRequest, proceedStatement, type Step } from './operation.js';
import { certificateEncryption } from './proof-of-possession.js';
import { recorded } from './read-request.js';
import { rejection } from './rejection.js';
import type { Answer, CmpRequest } from './request.js';
import type { TransactionRecord, TransactionWrite } from './store.js';

/** @throws GatewayError */
export async function pollCertificate({ request, record, requestId, certReqId: polledId }: Poll): Promise<Answer> {
  const { services } = request;
  const { certReqId } = record;
  const answerType = record.answerType as CertificateWish['answerType'];
  const first = firstRequest(request, record);
  const encryption = first && certificateEncryption(first.message);
  const confirmUntil = confirmationEnd(request, first?.header.implicitConfirm === true && encryption === undefined);
  const wishes = first ? readAssignedFields(first) : { notes: [] };
  const proceed = (result: EnrollmentResult) => [
    proceedStatement(request, record, stepTo(result, record, wishes, confirmUntil)),
  ];
  const found = await find(request, requestId, first, confirmUntil, proceed).catch(refusalOnly);
  if (found instanceof GatewayError) {
    // RFC 9483 4.4: the final answer to the request, also when that is a refusal.
    await services.commit([proceedStatement(request, record, ended)]);
    return rejection(answerType, found, certReqId);
  }
  const { result, asked } = found;
  if (asked === undefined || result.outcome === 'pending') {
    await recorded('pollReq', request, () => services.commit(proceed(result)));
  }
  if (result.outcome === 'pending') return pollAgain(polledId, result);
  const { certificate, chain } = result;
  const privateKey = asked && (await sealGeneratedKey(asked, result));
  return issuedAnswer({
    answerType,
    certReqId,
    certificate,
    chain,
    encryption,
    privateKey,
    modified: modificationsOf(result, wishes),
    confirmUntil,
  });
}

/** What has become of the request; `asked` where it was put once more, and its certificate was committed with the operation. */
async function find(
  { services, exchange, sender }: CmpRequest,
  requestId: string,
  first: CmpRequest | undefined,
  confirmUntil: Date | undefined,
  proceed: (result: EnrollmentResult) => readonly TransactionWrite[],
): Promise<{ readonly result: EnrollmentResult; readonly asked?: CmpRequest }> {
  const result = await services.poll({
    ...originOf(exchange),
    protocol: 'cmp',
    pending: { requestId, credentials: [sender.credential] },
  });
  // A key is made when its approved request is asked for again.
  if (result.outcome !== 'pending' || first === undefined || !isKeyWanted(first)) return { result };
  return { result: await ask(first, await readWish(first), confirmUntil, proceed), asked: first };
}

function stepTo(
  result: EnrollmentResult,
  record: TransactionRecord,
  wishes: AssignedFields,
  confirmUntil: Date | undefined,
): Step {
  if (result.outcome === 'pending') return stillWaiting(record);
  const isModified = modificationsOf(result, wishes).length > 0 ? 1 : 0;
  const issued = { certificate: result.certificate, isModified, message: null, requestId: null };
  return confirmUntil === undefined
    ? { ...issued, state: 'closed' }
    : { ...issued, state: 'unconfirmed', waitsUntil: confirmUntil };
}
