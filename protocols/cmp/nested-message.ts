/** nested (RFC 9810 5.1.3.5, RFC 9483 5.2.2): messages that a registration authority vouches for, or sends in a batch. */

import { GatewayError } from '../../src/errors.js';
import { createIdentifier } from '../../src/identifier.js';
import { decoding } from '../../src/x509/decoding.js';
import { answerBody } from './answer-body.js';
import { decodePkiMessages, encodePkiMessages, type PkiMessage } from './asn1/pki-message.js';
import type { CmpContext } from './context.js';
import { type EncodedAnswer, encodeAnswer, newNonce } from './encode-answer.js';
import { CmpError } from './errors.js';
import { findRepeated } from './operation.js';
import { requireOriginalsOf } from './original-messages.js';
import { readRequest, recorded } from './read-request.js';
import type { Answer, CmpRequest } from './request.js';

/** The answer to a nested message: to the one inside of it, with the protection of that, or to all of a batch. */
export type NestedAnswer = EncodedAnswer | { readonly answer: Answer };

/** @throws GatewayError when anything is wrong with the nested message, or with the header or protection of one inside */
export async function answerNested(nested: CmpRequest, context: CmpContext): Promise<NestedAnswer> {
  const messages = await recorded('nested', context, async () => {
    if (!nested.sender.requester.isRegistrationAuthority) {
      throw new GatewayError('forbidden', 'only a registration authority of the policy may send nested messages');
    }
    const inner = decoding('the body', () => decodePkiMessages(nested.message.body));
    requireRelated(nested, inner);
    // Added protection has the transactionID of the message inside, whose affair it is.
    if (inner.length > 1) await findRepeated(nested);
    requireOriginalsOf(inner, nested.message);
    return inner;
  });
  // RFC 9483 3.6.3: what is wrong with a message as such is answered for all of them.
  const requests: CmpRequest[] = [];
  const readEach = messages.length === 1 ? readOnly : readOneOfMany;
  for (const message of messages) requests.push(await readEach(message, context));
  const answers: EncodedAnswer[] = [];
  for (const request of requests) answers.push(await answerInner(request));
  const [only, ...others] = answers;
  if (only !== undefined && others.length === 0) return only;
  return { answer: { bodyType: 'nested', body: encodePkiMessages(answers.map(({ der }) => der)) } };
}

function readOnly(message: PkiMessage, context: CmpContext): Promise<CmpRequest> {
  const unheard = () => undefined;
  return readRequest(message, context, { answerNonce: newNonce(), onAspect: unheard, onProtected: unheard });
}

/** Each is recorded under an id of its own. */
function readOneOfMany(message: PkiMessage, context: CmpContext): Promise<CmpRequest> {
  return readOnly(message, { ...context, exchange: { ...context.exchange, requestId: createIdentifier() } });
}

async function answerInner(request: CmpRequest): Promise<EncodedAnswer> {
  const { services, exchange, policy, message, sender, answerNonce } = request;
  return await encodeAnswer(await answerBody(request), {
    services,
    label: exchange.params.label,
    policy,
    header: message.header,
    protection: sender.protection,
    nonce: answerNonce,
  });
}

/** Added protection has the transactionID and the nonces of the message inside; a batch has its own (RFC 9483 5.2.2). */
function requireRelated({ header, message }: CmpRequest, messages: readonly PkiMessage[]): void {
  if (messages.some(({ bodyType }) => bodyType === 'nested')) {
    throw new CmpError('badRequest', 'a nested message holds no nested messages');
  }
  const [only, ...others] = messages;
  const { recipNonce } = message.header;
  const isAdded = only !== undefined && others.length === 0;
  if (recipNonce !== undefined && !(isAdded && isSame(only.header.recipNonce, recipNonce))) {
    throw new CmpError('badRecipientNonce', 'a nested message has no recipNonce but that of the one message in it');
  }
  if (isAdded) {
    // What it lacks itself it is refused for itself.
    const { transactionId = header.transactionId, senderNonce = header.senderNonce } = only.header;
    if (!isSame(transactionId, header.transactionId)) {
      throw new CmpError('badRequest', 'a nested message has the transactionID of the one message in it');
    }
    if (!isSame(senderNonce, header.senderNonce)) {
      throw new CmpError('badSenderNonce', 'a nested message has the senderNonce of the one message in it');
    }
    return;
  }
  if (messages.some((inner) => isSame(inner.header.transactionId, header.transactionId))) {
    throw new CmpError('badRequest', 'a batch has a transactionID that no message in it has');
  }
  if (messages.some((inner) => isSame(inner.header.senderNonce, header.senderNonce))) {
    throw new CmpError('badSenderNonce', 'a batch has a senderNonce that no message in it has');
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
