/** Refusals where no transaction is known, or none is refused: an HTTP status and one plain sentence. */

import { CmsError } from '../../src/cms/cms-error.js';
import { GatewayError } from '../../src/errors.js';
import { failureAnswer, httpStatuses, refusalAnswer } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';
import { DerError } from '../../src/x509/der.js';
import { UnsupportedKeyError } from '../../src/x509/public-key.js';

/** What a client is refused by HTTP alone is 400, but for what is not there and what is no fault of the request. */
export function errorReply(error: GatewayError): Reply {
  const status = httpStatuses[error.code];
  return refusalAnswer(error, error.code === 'not-found' || status >= 429 ? status : 400);
}

/** Whatever was thrown out of a handler, or by the HTTP server itself. */
export function failureReply(error: unknown, requestId: string): Reply {
  return failureAnswer(error, requestId, sentences);
}

const sentences: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP request is malformed'],
  [408, 'the request did not arrive in time'],
  [413, 'the message is larger than the gateway takes'],
]);

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
