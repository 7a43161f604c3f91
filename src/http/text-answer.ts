/** Refusals as HTTP has them where a protocol has no form of its own: a status and one plain sentence. */
import { type ErrorCode, GatewayError } from '../errors.js';

export interface TextAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** 400 says that what is asked is wrong, 403 that who asks may not. */
export const httpStatuses: Readonly<Record<ErrorCode, number>> = {
  'malformed-request': 400,
  'unsupported-operation': 404,
  'unsupported-algorithm': 400,
  'invalid-signature': 400,
  'invalid-proof-of-possession': 400,
  'stale-message': 400,
  'unacceptable-key': 400,
  'rejected-name': 400,
  'rejected-profile': 400,
  'rejected-power': 400,
  'bad-secret': 403,
  'untrusted-signer': 403,
  'revoked-requester': 403,
  forbidden: 403,
  'invalid-state': 400,
  'unknown-certificate': 404,
  'already-revoked': 409,
  'already-confirmed': 400,
  'duplicate-transaction': 409,
  'duplicate-request': 409,
  'not-found': 404,
  'rate-limited': 429,
  unavailable: 503,
  internal: 500,
};

export function textAnswer(
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): TextAnswer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body: `${sentence}\n` };
}

/** The header of 429 and 503, and of 202, in whole seconds (RFC 9110 10.2.3). */
export function retryAfter(seconds = 60): Record<string, string> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) };
}

/** The answer to a refusal, with `status` in place of the usual one where the protocol has it otherwise. */
export function refusalAnswer(
  { code, message, retryAfterSeconds }: GatewayError,
  status: number = httpStatuses[code],
): TextAnswer {
  return textAnswer(status, message, status === 429 || status === 503 ? retryAfter(retryAfterSeconds) : {});
}

/**
 * The answer to whatever was thrown, also by the HTTP server itself (`status` of 400 to 499), whose own texts could repeat
 * what the client sent: `sentences` has others.
 */
export function failureAnswer(
  error: unknown,
  requestId: string,
  sentences: ReadonlyMap<number, string> = new Map(),
): TextAnswer {
  if (error instanceof GatewayError && error.code !== 'internal') return refusalAnswer(error);
  const status = clientErrorStatus(error);
  if (status !== undefined) return textAnswer(status, sentences.get(status) ?? 'the request cannot be served');
  return textAnswer(500, `the gateway failed; its operator finds the cause under request ${requestId}`);
}

/** The status of what the HTTP server itself refuses, 400 to 499; undefined for all else. */
export function clientErrorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500 ? status : undefined;
}
