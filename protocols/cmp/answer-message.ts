/** From the octets of a PKIMessage to those of its answer. */

import { GatewayError } from '../../src/errors.js';
import { DerError } from '../../src/x509/der.js';
import { answerBody, asGatewayError } from './answer-body.js';
import type { PkiHeader } from './asn1/pki-header.js';
import { decodePkiMessage, type PkiMessage } from './asn1/pki-message.js';
import { type SalvagedHeader, salvageHeader } from './asn1/salvage-header.js';
import type { CmpContext } from './context.js';
import { encodeAnswer, newNonce } from './encode-answer.js';
import { answerNested } from './nested-message.js';
import { readRequest, recordRefusal } from './read-request.js';
import { rejectMessage } from './rejection.js';
import type { Answer } from './request.js';
import type { Protection } from './sender.js';

export interface EncodedAnswer {
  /** DER PKIMessage. */
  readonly der: Uint8Array;
  /** What it refuses, for the log. */
  readonly refusal?: GatewayError;
}

/**
 * Answers whatever begins as a PKIMessage does with a PKIMessage.
 * @throws GatewayError `malformed-request` for anything else, after its audit event is committed
 */
export async function answerMessage(bytes: Uint8Array, context: CmpContext): Promise<EncodedAnswer> {
  let message: PkiMessage;
  try {
    message = decodePkiMessage(bytes);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const refusal = new GatewayError('malformed-request', `the message is malformed: ${error.message}`);
    await recordRefusal('PKIMessage', refusal, context);
    const header = salvageHeader(bytes);
    if (header === undefined) throw refusal;
    return await encode(rejectMessage(undefined, refusal), context, header, undefined, newNonce());
  }
  return await answerDecoded(message, context);
}

async function answerDecoded(message: PkiMessage, context: CmpContext): Promise<EncodedAnswer> {
  let protection: Protection | undefined;
  const answerNonce = newNonce();
  const respond = (answer: Answer) => encode(answer, context, message.header, protection, answerNonce);
  try {
    const request = await readRequest(message, context, {
      answerNonce,
      onProtected: (good) => {
        protection = good;
      },
    });
    if (message.bodyType !== 'nested') return await respond(await answerBody(request));
    const nested = await answerNested(request, context);
    return 'answer' in nested ? await respond(nested.answer) : nested;
  } catch (error) {
    return await respond(rejectMessage(message.bodyType, asGatewayError(error)));
  }
}

async function encode(
  answer: Answer,
  { services, exchange, policy }: CmpContext,
  header: SalvagedHeader | PkiHeader,
  protection: Protection | undefined,
  nonce: Uint8Array,
): Promise<EncodedAnswer> {
  const label = exchange.params.label;
  const der = await encodeAnswer(answer, { services, label, policy, header, protection, nonce });
  return answer.refusal === undefined ? { der } : { der, refusal: answer.refusal };
}
