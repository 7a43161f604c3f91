/** How refusals look in ACME: problem documents (RFC 8555 6.7, RFC 9457). */
import { type ErrorCode, GatewayError, HttpError } from '../../src/errors.js';
import { AcmeError, type ProblemType } from './problem.js';

/** What the core refuses, where no resource has a more fitting type for it. */
const problems: Readonly<Record<ErrorCode, readonly [type: ProblemType, status: number]>> = {
  'malformed-request': ['malformed', 400],
  'unsupported-operation': ['malformed', 404],
  'unsupported-algorithm': ['badCSR', 400],
  'invalid-signature': ['malformed', 400],
  'invalid-proof-of-possession': ['badCSR', 400],
  'stale-message': ['badNonce', 400],
  'unacceptable-key': ['badCSR', 400],
  'rejected-name': ['rejectedIdentifier', 400],
  'rejected-profile': ['badCSR', 400],
  'rejected-power': ['badCSR', 400],
  'bad-secret': ['unauthorized', 403],
  'untrusted-signer': ['unauthorized', 403],
  'revoked-requester': ['unauthorized', 403],
  forbidden: ['unauthorized', 403],
  'invalid-state': ['malformed', 400],
  'unknown-certificate': ['malformed', 404],
  'already-revoked': ['alreadyRevoked', 400],
  'already-confirmed': ['malformed', 400],
  'duplicate-transaction': ['malformed', 409],
  'duplicate-request': ['badCSR', 400],
  'not-found': ['malformed', 404],
  'rate-limited': ['rateLimited', 429],
  unavailable: ['serverInternal', 503],
  internal: ['serverInternal', 500],
};

/** Whatever was thrown, as ACME has it; what happened inside is for the log. */
export function asAcmeError(error: unknown, requestId: string): AcmeError {
  if (error instanceof AcmeError) return error;
  if (error instanceof GatewayError && error.code !== 'internal') {
    const { code, message, cause, retryAfterSeconds } = error;
    const [type, usualStatus] = problems[code];
    const status = error instanceof HttpError ? error.status : usualStatus;
    return new AcmeError(type, message, {
      code,
      status,
      cause,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
  return new AcmeError(
    'serverInternal',
    `the gateway failed; its operator finds the cause under request ${requestId}`,
    { cause: error },
  );
}
