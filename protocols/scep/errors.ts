/** Refusals where no transaction is known, or none is refused: an HTTP status and one plain sentence. */

import { CmsError } from '../../src/cms/cms-error.js';
import { type ErrorCode, GatewayError } from '../../src/errors.js';
import type { Reply } from '../../src/protocol.js';
import { DerError } from '../../src/x509/der.js';
import { UnsupportedKeyError } from '../../src/x509/public-key.js';

/** Whether a refusal is the whole answer; what else is thrown must also reach the log, and so goes on to the edge. */
export function isRefusal(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code !== 'internal' && error.code !== 'unavailable';
}

export function errorReply({ code, message, retryAfterSeconds }: GatewayError): Reply {
  const status = statuses.get(code) ?? 400;
  return textReply(status, message, status === 429 || status === 503 ? retryAfter(retryAfterSeconds) : {});
}

/** Whatever was thrown out of a handler, or by the HTTP server itself (`status` of 400 to 499). */
export function failureReply(error: unknown, requestId: string): Reply {
  if (error instanceof GatewayError && error.code !== 'internal') return errorReply(error);
  const status = clientErrorStatus(error);
  if (status === undefined) {
    return textReply(500, `the gateway failed; its operator finds the cause under request ${requestId}`);
  }
  return textReply(status, sentences.get(status) ?? 'the request cannot be served');
}

/** Runs a decoder of `subject`, as a sentence names it. @throws GatewayError `malformed-request`, `unsupported-algorithm` */
export function decoding<T>(subject: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof UnsupportedKeyError || (error instanceof CmsError && error.problem === 'unsupported')) {
      throw new GatewayError('unsupported-algorithm', `${subject} is not supported: ${error.message}`, {
        cause: error,
      });
    }
    if (!(error instanceof DerError || error instanceof CmsError)) throw error;
    throw new GatewayError('malformed-request', `${subject} is malformed: ${error.message}`, { cause: error });
  }
}

const statuses: ReadonlyMap<ErrorCode, number> = new Map([
  ['not-found', 404],
  ['rate-limited', 429],
  ['unavailable', 503],
]);

/** RFC 9110 10.2.3: whole seconds. */
function retryAfter(seconds = 60): Record<string, string> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) };
}

function textReply(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body: `${sentence}\n` };
}

/** Fixed texts: those of the HTTP server could repeat what the client sent. */
const sentences: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP request is malformed'],
  [408, 'the request did not arrive in time'],
  [413, 'the message is larger than the gateway takes'],
  [431, 'the request headers are too large; send the message by POST'],
]);

function clientErrorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500 ? status : undefined;
}
