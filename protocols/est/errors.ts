/** How refusals look in EST: an HTTP status and one plain sentence (RFC 7030 4.2.3, RFC 8951 5.1). */

import { GatewayError } from '../../src/errors.js';
import { basicChallenge } from '../../src/http/basic-credentials.js';
import { failureAnswer, httpStatuses, retryAfter, textAnswer } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';

/** A body of another kind than the operation takes (RFC 7030 3.2.4). */
export class UnsupportedMediaTypeError extends GatewayError {
  constructor(message: string) {
    super('malformed-request', message);
    this.name = 'UnsupportedMediaTypeError';
  }
}

/** The status and the headers that belong to it. `asksForPassword`: whether a bad secret may be tried again (RFC 7030 3.2.3). */
export function errorStatus(error: GatewayError, asksForPassword: boolean): Pick<Reply, 'status' | 'headers'> {
  if (error instanceof UnsupportedMediaTypeError) return { status: 415, headers: {} };
  if (error.code === 'bad-secret' && asksForPassword) {
    return { status: 401, headers: { 'WWW-Authenticate': basicChallenge('estrealm') } };
  }
  const status = httpStatuses[error.code];
  return { status, headers: status === 429 || status === 503 ? retryAfter(error.retryAfterSeconds) : {} };
}

export function errorReply(error: GatewayError, asksForPassword: boolean): Reply {
  const { status, headers } = errorStatus(error, asksForPassword);
  return textAnswer(status, error.message, headers);
}

/** Whatever was thrown where no policy is known any more, or by the HTTP server itself. */
export function failureReply(error: unknown, requestId: string): Reply {
  return error instanceof UnsupportedMediaTypeError
    ? errorReply(error, false)
    : failureAnswer(error, requestId, sentences);
}

const sentences: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP request is malformed'],
  [404, 'there is no such EST operation'],
  [408, 'the request did not arrive in time'],
  [413, 'the request body is larger than the operation takes'],
  [415, 'the request body is of a kind that the operation does not take'],
]);
