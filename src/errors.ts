/** The one error of the gateway: a closed set of codes that every protocol maps to its own wire form. */

export const errorCodes = [
  'malformed-request',
  'unsupported-operation',
  'unsupported-algorithm',
  'invalid-signature',
  'invalid-proof-of-possession',
  'stale-message',
  'unacceptable-key',
  'rejected-name',
  'rejected-profile',
  'rejected-power',
  'bad-secret',
  'untrusted-signer',
  'revoked-requester',
  'forbidden',
  'invalid-state',
  'unknown-certificate',
  'already-revoked',
  'already-confirmed',
  'duplicate-transaction',
  'duplicate-request',
  'not-found',
  'rate-limited',
  'unavailable',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

interface GatewayErrorOptions {
  /** What happened inside, for the log only. */
  cause?: unknown;
  /** When the client may try again, in seconds. */
  retryAfterSeconds?: number;
}

/**
 * A refusal or failure. `message` is one plain sentence that is safe for the client; `cause` reaches only the log.
 * It never logs itself: the edge does, once, with the request id that the client saw.
 */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, { cause, retryAfterSeconds }: GatewayErrorOptions = {}) {
    super(message, { cause });
    this.name = 'GatewayError';
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A refusal that HTTP has a status of its own for, whatever the protocol. */
export class HttpError extends GatewayError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string) {
    super(code, message);
    this.name = 'HttpError';
    this.status = status;
  }
}

/** What a change relied on was no longer so when it was committed: a parallel request was first. Reading again helps. */
export class OvertakenError extends GatewayError {
  constructor(options: GatewayErrorOptions = {}) {
    super('unavailable', 'the request was overtaken by another one; try again', { retryAfterSeconds: 1, ...options });
    this.name = 'OvertakenError';
  }
}

/** Whether a refusal is the whole answer; what else is thrown must also reach the log, and so goes on to the edge. */
export function isRefusal(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code !== 'internal' && error.code !== 'unavailable';
}
