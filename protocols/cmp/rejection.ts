/** How a refusal is said (RFC 9483 3.6): in the response that the message would have got, or in an error message. */

import type { GatewayError } from '../../src/errors.js';
import { encodeCertRepMessage } from './asn1/cert-response.js';
import type { BodyType } from './asn1/pki-message.js';
import { encodeErrorMessage, type PkiStatusInfo } from './asn1/pki-status.js';
import { encodeRevRepContent } from './asn1/revocation.js';
import { failInfoOf } from './fail-info.js';
import type { Answer } from './request.js';

/** RFC 9483 3.6.2: errors in the body of these have a response of their own. */
const responseTypes: ReadonlyMap<BodyType, { readonly type: BodyType; readonly certReqId: number }> = new Map([
  ['ir', { type: 'ip', certReqId: 0 }],
  ['cr', { type: 'cp', certReqId: 0 }],
  ['p10cr', { type: 'cp', certReqId: -1 }],
  ['kur', { type: 'kup', certReqId: 0 }],
  ['ccr', { type: 'ccp', certReqId: 0 }],
  ['rr', { type: 'rp', certReqId: 0 }],
]);

/** The refusal of what the body of a message asks for. */
export function rejectBody(request: BodyType, error: GatewayError): Answer {
  const response = responseTypes.get(request);
  return response ? rejection(response.type, error, response.certReqId) : rejectMessage(error);
}

/** The refusal of who has sent a message, or of how it is protected: clients that send an rr expect an rp here, too. */
export function rejectSender(request: BodyType, error: GatewayError): Answer {
  return request === 'rr' ? rejection('rp', error, 0) : rejectMessage(error);
}

/** The refusal of a message as such. */
export function rejectMessage(error: GatewayError): Answer {
  return { bodyType: 'error', body: encodeErrorMessage({ statusInfo: statusOf(error) }), refusal: error };
}

/** A response of this type that refuses. */
export function rejection(type: BodyType, error: GatewayError, certReqId: number): Answer {
  const status = statusOf(error);
  const body =
    type === 'rp'
      ? encodeRevRepContent({ status: [status] })
      : encodeCertRepMessage({ responses: [{ certReqId, status }] });
  return { bodyType: type, body, refusal: error };
}

function statusOf(error: GatewayError): PkiStatusInfo {
  return { status: 'rejection', statusString: [error.message], failInfo: [failInfoOf(error)] };
}
