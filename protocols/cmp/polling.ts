/** pollReq and pollRep (RFC 9810 5.3.22, RFC 9483 4.4): what has become of a request that waits for an approval. */

import { decoding } from '../../src/x509/decoding.js';
import { decodePollReqContent } from './asn1/poll.js';
import { pollCertificate } from './certificate-polling.js';
import { type Delayed, pollDelayed } from './delayed-delivery.js';
import { CmpError } from './errors.js';
import { answerGeneralMessage } from './general-messages.js';
import { findOperation } from './operation.js';
import type { Ask, CmpRequest } from './request.js';
import { answerRevocation } from './revocation.js';
import type { TransactionRecord } from './store.js';

/** @throws GatewayError */
export async function readPoll(request: CmpRequest): Promise<Ask> {
  const record = await findOperation(request);
  const { requestId, state, certReqId, answerType } = record;
  if (state !== 'waiting' || requestId === null) {
    throw new CmpError('badRequest', 'nothing of this operation is waited for', 'invalid-state');
  }
  const [asked, ...others] = decoding('the body', () => decodePollReqContent(request.message.body));
  if (asked === undefined || others.length > 0 || !isCertReqId(asked, record)) {
    throw new CmpError('badRequest', `a pollReq must have the certReqId ${certReqId}`);
  }
  const waiting = delayed.get(answerType);
  const poll = { request, record, requestId, certReqId: asked };
  return () => (waiting ? pollDelayed(poll, waiting) : pollCertificate(poll));
}

/** RFC 9483 4.4 can be read as 0 for a p10cr as well, and Siemens' clients have 0 for whatever they poll for. */
function isCertReqId(asked: number, { certReqId }: TransactionRecord): boolean {
  return asked === certReqId || asked === 0;
}

/** By the type of the answer; all others have certificates. */
const delayed: ReadonlyMap<string, Delayed> = new Map([
  ['rp', { kind: 'revocation', bodyType: 'rr', answer: answerRevocation }],
  ['genp', { kind: 'message', bodyType: 'genm', answer: answerGeneralMessage }],
]);
