/** How refusals look in REST: problem documents (RFC 9457). */
import { type GatewayError, HttpError } from '../../src/errors.js';
import { problemAnswer } from '../../src/http/problem.js';
import type { Reply } from '../../src/protocol.js';

/** `challenge`: what another secret may be presented with, if one would help (RFC 9110 11.6.1). */
export function problemReply(error: GatewayError, requestId: string, challenge: string | undefined): Reply {
  if (error.code !== 'bad-secret' || challenge === undefined || error instanceof HttpError) {
    return problemAnswer(error, requestId);
  }
  return problemAnswer(error, requestId, { status: 401, headers: { 'WWW-Authenticate': challenge } });
}
