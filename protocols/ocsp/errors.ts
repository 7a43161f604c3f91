/** Refusals as OCSPResponses (RFC 6960 2.3, RFC 5019 2.2.3), which clients read with HTTP status 200 only. */
import { type ErrorCode, GatewayError } from '../../src/errors.js';
import { clientErrorStatus } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';
import { encodeErrorResponse, type OcspError } from '../../src/x509/ocsp-response.js';

export function errorReply(error: GatewayError): Reply {
  return { ...unsigned(errors[error.code], 200), refusal: error };
}

/** The answer to whatever was thrown, also by the HTTP server itself. */
export function failureReply(error: unknown): Reply {
  if (error instanceof GatewayError) return unsigned(errors[error.code], 200);
  const status = clientErrorStatus(error);
  return status === undefined ? unsigned('internalError', 200) : unsigned('malformedRequest', status);
}

export const responseType = 'application/ocsp-response';

/** Most cannot happen here: nobody enrolls over OCSP. */
const errors: Readonly<Record<ErrorCode, OcspError>> = {
  'malformed-request': 'malformedRequest',
  'unsupported-operation': 'malformedRequest',
  'unsupported-algorithm': 'malformedRequest',
  'invalid-signature': 'malformedRequest',
  'invalid-proof-of-possession': 'malformedRequest',
  'stale-message': 'malformedRequest',
  'unacceptable-key': 'malformedRequest',
  'rejected-name': 'malformedRequest',
  'rejected-profile': 'malformedRequest',
  'rejected-power': 'malformedRequest',
  'bad-secret': 'unauthorized',
  'untrusted-signer': 'unauthorized',
  'revoked-requester': 'unauthorized',
  forbidden: 'unauthorized',
  'invalid-state': 'malformedRequest',
  'unknown-certificate': 'unauthorized',
  'already-revoked': 'malformedRequest',
  'already-confirmed': 'malformedRequest',
  'duplicate-transaction': 'malformedRequest',
  'duplicate-request': 'malformedRequest',
  'not-found': 'unauthorized',
  'rate-limited': 'tryLater',
  unavailable: 'tryLater',
  internal: 'internalError',
};

/** Not to be kept by anybody: it says nothing of a certificate (RFC 5019 6.2). */
function unsigned(error: OcspError, status: number): Reply {
  return {
    status,
    headers: { 'Content-Type': responseType, 'Cache-Control': 'no-store' },
    body: encodeErrorResponse(error),
  };
}
