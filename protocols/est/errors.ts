/** How refusals look in EST: an HTTP status and one plain sentence (RFC 7030 4.2.3, RFC 8951 5.1). */

import { type ErrorCode, GatewayError } from '../../src/errors.js';
import { basicChallenge } from '../../src/http/basic-credentials.js';
import type { Reply } from '../../src/protocol.js';

export const statuses: Readonly<Record<ErrorCode, number>> = {
  'malformed-request': 400,
  'unsupported-operation': 404,
  'unsupported-algorithm': 400,
  'invalid-signature': 400,
  'invalid-proof-of-possession': 400,
  'stale-message': 400,
  'unacceptable-key': 400,
  'rejected-name': 400,
  'rejected-profile': 400,
  // 401 where a password would help: asksForPassword.
  'bad-secret': 403,
  'untrusted-signer': 403,
  'revoked-requester': 403,
  forbidden: 403,
  'invalid-state': 400,
  'unknown-certificate': 404,
  'already-revoked': 409,
  'duplicate-transaction': 409,
  'duplicate-request': 409,
  'not-found': 404,
  'rate-limited': 429,
  unavailable: 503,
  internal: 500,
};

/** A body of another kind than the operation takes (RFC 7030 3.2.4). */
export class UnsupportedMediaTypeError extends GatewayError {
  constructor(message: string) {
    super('malformed-request', message);
    this.name = 'UnsupportedMediaTypeError';
  }
}

/** Whether a refusal is the whole answer; what else is thrown must also reach the log, and so goes on to the edge. */
export function isRefusal(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code !== 'internal' && error.code !== 'unavailable';
}

/** The status and the headers that belong to it. `asksForPassword`: whether a bad secret may be tried again (RFC 7030 3.2.3). */
export function errorStatus(error: GatewayError, asksForPassword: boolean): Pick<Reply, 'status' | 'headers'> {
  if (error instanceof UnsupportedMediaTypeError) return { status: 415, headers: {} };
  if (error.code === 'bad-secret' && asksForPassword) {
    return { status: 401, headers: { 'WWW-Authenticate': basicChallenge('estrealm') } };
  }
  const status = statuses[error.code];
  return { status, headers: status === 429 || status === 503 ? retryAfter(error.retryAfterSeconds) : {} };
}

export function errorReply(error: GatewayError, asksForPassword: boolean): Reply {
  const { status, headers } = errorStatus(error, asksForPassword);
  return textReply(status, error.message, headers);
}

/** Whatever was thrown where no policy is known any more, or by the HTTP server itself (`status` of 400 to 499). */
export function failureReply(error: unknown, requestId: string): Reply {
  if (error instanceof GatewayError && error.code !== 'internal') return errorReply(error, false);
  const status = clientErrorStatus(error);
  if (status === undefined) {
    return textReply(500, `the gateway failed; its operator finds the cause under request ${requestId}`);
  }
  return textReply(status, sentences.get(status) ?? 'the request cannot be served', allowHeader(error));
}

/** RFC 9110 10.2.3: whole seconds. */
export function retryAfter(seconds = 60): Record<string, string> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) };
}

export function textReply(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body: `${sentence}\n` };
}

/** Fixed texts: those of the HTTP server could repeat what the client sent. */
const sentences: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP request is malformed'],
  [404, 'there is no such EST operation'],
  [405, 'the operation does not know this HTTP method'],
  [408, 'the request did not arrive in time'],
  [413, 'the request body is larger than the operation takes'],
  [415, 'the request body is of a kind that the operation does not take'],
  [431, 'the request headers are too large'],
]);

function clientErrorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500 ? status : undefined;
}

/** RFC 9110 15.5.6: 405 says which methods there are. */
function allowHeader(error: unknown): Record<string, string> {
  if (typeof error !== 'object' || error === null || !('headers' in error)) return {};
  const { headers } = error;
  if (typeof headers !== 'object' || headers === null) return {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'allow' && typeof value === 'string') return { Allow: value };
  }
  return {};
}
