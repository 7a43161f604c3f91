/** How refusals look in REST: problem documents (RFC 9457). */
import { type GatewayError, HttpError } from '../../src/errors.js';
import { problemAnswer } from '../../src/http/problem.js';
import type { Reply } from '../../src/protocol.js';

/** `asksForPassword`: whether a bad secret may be tried again. */
export function problemReply(error: GatewayError, requestId: string, asksForPassword: boolean): Reply {
  if (error.code !== 'bad-secret' || !asksForPassword || error instanceof HttpError) {
    return problemAnswer(error, requestId);
  }
  return problemAnswer(error, requestId, { status: 401, headers: { 'WWW-Authenticate': passcodeChallenge } });
}

// RFC 9110 15.5.2 wants a challenge with every 401; Basic would have clients send what is not read here.
const passcodeChallenge = 'X-Passcode realm="gatehouse"';
