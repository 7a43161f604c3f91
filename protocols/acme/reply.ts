/** From what a resource answers to a reply, with the headers that every answer has (RFC 8555 6.1, 6.5, 7.1). */
import { retryAfter } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';
import { type Answer, link } from './answer.js';
import type { Nonces } from './nonces.js';
import { type AcmeError, problemDocument } from './problem.js';

export interface Surroundings {
  /** URL of the directory; absent where there is none. */
  readonly directory?: string;
  readonly nonces: Pick<Nonces, 'issue'>;
}

export function answerReply(answer: Answer, surroundings: Surroundings): Reply {
  const { status, location, links = [], maxAge } = answer;
  const { body, contentType } = bodyOf(answer);
  return {
    status,
    headers: {
      ...corsHeaders,
      // Who keeps an answer would keep its nonce as well.
      ...(maxAge === undefined ? nonceHeaders(surroundings) : { 'Cache-Control': `public, max-age=${maxAge}` }),
      ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
      ...(location === undefined ? {} : { Location: location }),
      ...(answer.retryAfter === undefined ? {} : retryAfter(answer.retryAfter)),
    },
    links: [...indexLinks(surroundings), ...links],
    body,
  };
}

export function problemReply(error: AcmeError, surroundings: Surroundings): Reply {
  const { status, location, links, retryAfterSeconds } = error;
  const isForLater = status === 429 || status === 503 || retryAfterSeconds !== undefined;
  return {
    status,
    headers: {
      ...corsHeaders,
      ...nonceHeaders(surroundings),
      'Content-Type': 'application/problem+json',
      ...(location === undefined ? {} : { Location: location }),
      ...(isForLater ? retryAfter(retryAfterSeconds) : {}),
    },
    links: [...indexLinks(surroundings), ...links],
    body: JSON.stringify(problemDocument(error)),
  };
}

/** To browsers that ask before they send a message (CORS). */
export function preflightReply(methods: string, surroundings: Surroundings): Reply {
  return {
    status: 204,
    headers: {
      ...corsHeaders,
      ...nonceHeaders(surroundings),
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': 'Content-Type',
      'Access-Control-Max-Age': '86400',
    },
    links: indexLinks(surroundings),
    body: '',
  };
}

function bodyOf({ json, content }: Answer): { readonly body: Reply['body']; readonly contentType?: string } {
  if (content !== undefined) return { body: content.body, contentType: content.type };
  return json === undefined ? { body: '' } : { body: JSON.stringify(json), contentType: 'application/json' };
}

/**
 * RFC 8555 6.1: for clients in browsers. Scripts may read all headers; getssl takes whatever header has the word for Location,
 * so that none is listed by name.
 */
const corsHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': '*',
} as const;

function nonceHeaders({ nonces }: Surroundings): Record<string, string> {
  return { 'Replay-Nonce': nonces.issue(), 'Cache-Control': 'no-store' };
}

function indexLinks({ directory }: Surroundings): string[] {
  return directory === undefined ? [] : [link(directory, 'index')];
}
