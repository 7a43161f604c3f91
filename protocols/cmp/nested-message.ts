/** nested (RFC 9810 5.1.3.5, RFC 9483 5.2.2): messages that a registration authority vouches for, or sends in a batch. */

import { GatewayError } from '../../src/errors.js';
import { answerBody } from './answer-body.js';
import { decodePkiMessages, encodePkiMessages, type PkiMessage } from './asn1/pki-message.js';
import { encodeAnswer, newNonce } from './encode-answer.js';
import { CmpError, decoding } from './errors.js';
import { type CmpContext, readRequest, recorded } from './read-request.js';
import type { Answer, CmpRequest } from './request.js';
import type { Protection } from './sender.js';

/** The answer to a nested message: to the one inside of it, or to all of a batch. */
export type NestedAnswer =
  /** DER PKIMessage, which answers the message inside and has its protection. */
  { readonly der: Uint8Array; readonly refusal?: GatewayError } | { readonly answer: Answer };

/** @throws GatewayError when anything is wrong with the nested message, or with the header or protection of one inside */
export async function answerNested(nested: CmpRequest, context: CmpContext): Promise<NestedAnswer> {
  const messages = await recorded('nested', context, async () => {
    if (!nested.sender.requester.isRegistrationAuthority) {
      throw new GatewayError('forbidden', 'only a registration authority of the policy may send nested messages');
    }
    const inner = decoding('the body', () => decodePkiMessages(nested.message.body));
    requireRelated(nested, inner);
    return inner;
  });
  const isVouchedFor = messages.length === 1;
  // RFC 9483 3.6.3: what is wrong with a message as such is answered for all of them.
  const requests: Inner[] = [];
  for (const message of messages) requests.push(await readInner(message, isVouchedFor, context));
  const answers: { der: Uint8Array; refusal?: GatewayError }[] = [];
  for (const inner of requests) answers.push(await answerInner(inner, context));
  const [only] = answers;
  if (isVouchedFor && only !== undefined) return only;
  return { answer: { bodyType: 'nested', body: encodePkiMessages(answers.map(({ der }) => der)) } };
}

interface Inner {
  readonly request: CmpRequest;
  readonly protection: Protection;
}

async function readInner(message: PkiMessage, isVouchedFor: boolean, context: CmpContext): Promise<Inner> {
  const reading = { answerNonce: newNonce(), isVouchedFor, onProtected: () => undefined };
  const request = await readRequest(message, context, reading);
  return { request, protection: request.sender.protection };
}

async function answerInner({ request, protection }: Inner, context: CmpContext) {
  const { services, exchange, policy } = context;
  const answer = await answerBody(request);
  const der = await encodeAnswer(answer, {
    services,
    label: exchange.params.label,
    policy,
    header: request.message.header,
    protection,
    nonce: request.answerNonce,
  });
  return answer.refusal === undefined ? { der } : { der, refusal: answer.refusal };
}

/** Added protection has the transactionID and the nonce of the message inside; a batch has its own (RFC 9483 5.2.2). */
function requireRelated({ header }: CmpRequest, messages: readonly PkiMessage[]): void {
  if (messages.some(({ bodyType }) => bodyType === 'nested')) {
    throw new CmpError('badRequest', 'a nested message holds no nested messages');
  }
  const [only, ...others] = messages;
  if (others.length === 0) {
    if (!isSame(only?.header.transactionId, header.transactionId)) {
      throw new CmpError('badRequest', 'a nested message has the transactionID of the one message in it');
    }
    if (!isSame(only?.header.senderNonce, header.senderNonce)) {
      throw new CmpError('badSenderNonce', 'a nested message has the senderNonce of the one message in it');
    }
    return;
  }
  if (messages.some((message) => isSame(message.header.transactionId, header.transactionId))) {
    throw new CmpError('badRequest', 'a batch has a transactionID that no message in it has');
  }
  if (messages.some((message) => isSame(message.header.senderNonce, header.senderNonce))) {
    throw new CmpError('badSenderNonce', 'a batch has a senderNonce that no message in it has');
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
