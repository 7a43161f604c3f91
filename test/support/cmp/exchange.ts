/** One message out, one answer in: sent over HTTP, read, and held against what it answers. */
import type { Answer } from '../est-client.js';
import { type Check, problemsOf } from './check.js';
import type { CmpClientOptions, CmpPeer, ExchangeWish } from './client.js';
import { certProfile, type HeaderFields, implicitConfirm } from './header.js';
import type { BodyType } from './identifiers.js';
import { makeMessage, type SentMessage } from './message.js';
import { type CmpOutcome, outcomeOf } from './outcome.js';
import { type CmpMessage, readMessage } from './read-message.js';
import { createTransport } from './transport.js';

export interface CmpExchange {
  send(bytes: Uint8Array, httpHeaders?: Readonly<Record<string, string>>, operation?: string): Promise<Answer>;
  make(bodyType: BodyType, content: Uint8Array, wish?: ExchangeWish): SentMessage;
  /** @param inner the messages that it nests */
  deliver(
    sent: SentMessage,
    wish: ExchangeWish,
    certReqId?: number,
    inner?: readonly SentMessage[],
  ): Promise<CmpOutcome>;
  close(): void;
}

export function createExchange(peer: CmpPeer, options: CmpClientOptions = {}): CmpExchange {
  const { credential = { kind: 'none' }, recipient = '', unchecked: never = [] } = options;
  const transport = createTransport(peer.origin, options.identity);
  const seenNonces = new Set<string>();

  function send(bytes: Uint8Array, httpHeaders?: Readonly<Record<string, string>>, operation?: string) {
    const path = operation === undefined ? peer.path : `${peer.path}/${operation}`;
    return transport.post(path, bytes, httpHeaders);
  }

  function make(bodyType: BodyType, content: Uint8Array, wish: ExchangeWish = {}): SentMessage {
    const { previous, profile, header = {} } = wish;
    const generalInfo = [
      ...(wish.implicitConfirm ? [implicitConfirm] : []),
      ...(profile === undefined ? [] : [certProfile(profile)]),
      ...(header.generalInfo ?? []),
    ];
    const going = previous === undefined ? {} : continuing(previous);
    const fields = { recipient, ...going, ...header, ...(generalInfo.length > 0 && { generalInfo }) };
    return makeMessage({ credential, now: peer.now(), ...wish, header: fields, bodyType, content });
  }

  /** The answer to the first of them that it fits; a problem with all is the first one's. */
  function believe(
    message: CmpMessage,
    answer: Answer,
    sent: readonly Pick<CmpOutcome, 'sent' | 'earlier'>[],
    unchecked: readonly Check[],
  ) {
    const all = [...never, ...unchecked];
    const context = { trustAnchors: peer.trustAnchors, now: peer.now(), seenNonces, unchecked: all };
    const tried = sent.map((one) => problemsOf(message, { ...context, ...one }));
    const problems = tried.find((one) => one.length === 0) ?? tried[0] ?? [];
    const http = answer.status === 200 || all.includes('http') ? [] : [`http: ${answer.status}`];
    seenNonces.add(message.header.senderNonce?.toString('hex') ?? '');
    if (problems.length + http.length === 0) return;
    throw new Error(`an answer that no client should take: ${[...http, ...problems].join(', ')}`);
  }

  async function deliver(sent: SentMessage, wish: ExchangeWish, certReqId = 0, inner: readonly SentMessage[] = []) {
    const { previous, unchecked = [] } = wish;
    const earlier = previous === undefined ? [] : [...previous.earlier, previous.sent];
    const answer = await send(sent.der, wish.httpHeaders, wish.operation);
    const source = { sent, earlier, certReqId, answer };
    if (!String(answer.headers['content-type']).startsWith('application/pkixcmp')) return outcomeOf(source);
    const message = readMessage(answer.body);
    // Added protection is answered to whoever sent the inner message (RFC 9483 5.2.2.1).
    const alone = inner.length === 1 ? inner : [];
    believe(
      message,
      answer,
      [...alone, sent].map((one) => ({ sent: one, earlier })),
      unchecked,
    );
    const replies = message.body.type === 'nested' ? message.body.messages : [];
    const parts = inner.flatMap((one) => {
      const id = one.transactionId ?? Buffer.alloc(0);
      const reply = replies.find(({ header }) => header.transactionId?.equals(id));
      if (reply === undefined) return [];
      believe(reply, answer, [{ sent: one, earlier: [] }], unchecked);
      return [outcomeOf({ sent: one, earlier: [], certReqId: 0, answer, message: reply })];
    });
    return outcomeOf({ ...source, message }, parts);
  }

  return { send, make, deliver, close: transport.close };
}

/** RFC 9483 3.1: what a message has from the one before. */
function continuing({ message, sent }: CmpOutcome): Partial<HeaderFields> {
  const { transactionId, senderNonce } = message?.header ?? {};
  return {
    pvno: sent.pvno,
    ...(transactionId && { transactionId }),
    ...(senderNonce && { recipNonce: senderNonce }),
  };
}
