/** Answers what the body of a message asks for. */

import type { GatewayError } from '../../src/errors.js';
import type { BodyType } from './asn1/pki-message.js';
import { readCertificateRequest } from './certificate-request.js';
import { readChallengeResponse } from './challenge-response.js';
import { readClientError } from './client-error.js';
import { readConfirmation } from './confirmation.js';
import { readCrossCertification } from './cross-certification.js';
import { asGatewayError, CmpError } from './errors.js';
import { readGeneralMessage } from './general-messages.js';
import { readPkcs10Request } from './pkcs10-request.js';
import { readPoll } from './polling.js';
import { recorded } from './read-request.js';
import { rejectBody, rejectMessage } from './rejection.js';
import type { Answer, Ask, CmpRequest } from './request.js';
import { readRevocation } from './revocation.js';

const readers: ReadonlyMap<BodyType, (request: CmpRequest) => Promise<Ask>> = new Map([
  ['ir', readCertificateRequest],
  ['cr', readCertificateRequest],
  ['kur', readCertificateRequest],
  ['ccr', readCrossCertification],
  ['popdecr', readChallengeResponse],
  ['p10cr', readPkcs10Request],
  ['certConf', readConfirmation],
  ['pollReq', readPoll],
  ['rr', readRevocation],
  ['genm', readGeneralMessage],
  ['error', readClientError],
]);

/** The answer to a message; to what is refused, the refusal in its form. */
export async function answerBody(request: CmpRequest): Promise<Answer> {
  const { bodyType } = request.message;
  try {
    const ask = await recorded(bodyType, request, () => readBody(request));
    return await ask();
  } catch (error) {
    const refusal = asGatewayError(error);
    return isOfMessage(bodyType, refusal) ? rejectMessage(refusal) : rejectBody(bodyType, refusal);
  }
}

/** That another operation has the transactionID says nothing of the body, nor that its sender is no CA. */
function isOfMessage(bodyType: BodyType, { code }: GatewayError): boolean {
  if (code === 'duplicate-transaction') return true;
  return bodyType === 'ccr' && (code === 'forbidden' || code === 'unsupported-operation');
}

async function readBody(request: CmpRequest): Promise<Ask> {
  const { bodyType } = request.message;
  const read = readers.get(bodyType);
  if (read === undefined) throw new CmpError('badRequest', `the gateway takes no ${bodyType}`, 'unsupported-operation');
  return await read(request);
}
