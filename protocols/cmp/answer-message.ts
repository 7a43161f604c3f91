/** From the octets of a PKIMessage to those of its answer. */

import { GatewayError, isRefusal } from '../../src/errors.js';
import { DerError } from '../../src/x509/der.js';
import { answerBody } from './answer-body.js';
import type { PkiHeader } from './asn1/pki-header.js';
import { decodePkiMessage, type PkiMessage } from './asn1/pki-message.js';
import { type SalvagedHeader, salvageHeader } from './asn1/salvage-header.js';
import type { CmpContext } from './context.js';
import { type EncodedAnswer, encodeAnswer, newNonce } from './encode-answer.js';
import { asGatewayError } from './errors.js';
import { answerNested } from './nested-message.js';
import { type Aspect, readRequest, recordRefusal } from './read-request.js';
import { rejectMessage, rejectSender } from './rejection.js';
import type { Answer } from './request.js';
import type { Protection } from './sender.js';

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
    return await encode(rejectMessage(refusal), context, header, undefined, newNonce());
  }
  return await answerDecoded(message, context);
}

async function answerDecoded(message: PkiMessage, context: CmpContext): Promise<EncodedAnswer> {
  let protection: Protection | undefined;
  let aspect: Aspect = 'header';
  const answerNonce = newNonce();
  const respond = (answer: Answer) => encode(answer, context, message.header, protection, answerNonce);
  const reject = (refusal: GatewayError) =>
    aspect === 'protection' && isRefusal(refusal) ? rejectSender(message.bodyType, refusal) : rejectMessage(refusal);
  try {
    const request = await readRequest(message, context, {
      answerNonce,
      onAspect: (next) => {
        aspect = next;
      },
      onProtected: (good) => {
        protection = good;
      },
    });
    if (message.bodyType !== 'nested') return await respond(await answerBody(request));
    const nested = await answerNested(request, context);
    return 'answer' in nested ? await respond(nested.answer) : nested;
  } catch (error) {
    return await respond(reject(asGatewayError(error)));
  }
}

function encode(
  answer: Answer,
  { services, exchange, policy }: CmpContext,
  header: SalvagedHeader | PkiHeader,
  protection: Protection | undefined,
  nonce: Uint8Array,
): Promise<EncodedAnswer> {
  const label = exchange.params.label;
  return encodeAnswer(answer, { services, label, policy, header, protection, nonce });
}
