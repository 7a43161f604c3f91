/** Refusals that only CMP has a name for, and those that HTTP alone can answer. */

import { type ErrorCode, GatewayError } from '../../src/errors.js';
import { failureAnswer } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';
import type { FailInfo } from './asn1/pki-status.js';

/** A refusal with a PKIFailureInfo of its own. */
export class CmpError extends GatewayError {
  readonly failInfo: FailInfo;

  constructor(failInfo: FailInfo, message: string, code: ErrorCode = 'malformed-request') {
    super(code, message);
    this.name = 'CmpError';
    this.failInfo = failInfo;
  }
}

/** What happened inside is for the log: the client learns that it was not its fault. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError && error.code !== 'internal') return error;
  return new GatewayError('internal', 'the gateway failed; its operator finds the cause in the log', { cause: error });
}

/** Whatever was thrown where there is no PKIMessage to answer, or by the HTTP server itself. */
export function failureReply(error: unknown, requestId: string): Reply {
  return failureAnswer(error, requestId, sentences);
}

const sentences: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP request is malformed'],
  [408, 'the message did not arrive in time'],
  [413, 'the message is larger than the gateway takes'],
]);
