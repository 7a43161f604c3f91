/** What the core refuses, as problem documents (RFC 8555 6.7). */
import { describe, expect, it } from '@jest/globals';
import { asAcmeError } from '../../../protocols/acme/errors.js';
import { type ErrorCode, GatewayError, HttpError } from '../../../src/errors.js';

describe('refusals of the core (RFC 8555 6.7)', () => {
  it.each<[ErrorCode, string, number]>([
    ['malformed-request', 'malformed', 400],
    ['unsupported-operation', 'malformed', 404],
    ['unsupported-algorithm', 'badCSR', 400],
    ['invalid-signature', 'malformed', 400],
    ['invalid-proof-of-possession', 'badCSR', 400],
    ['stale-message', 'badNonce', 400],
    ['unacceptable-key', 'badCSR', 400],
    ['rejected-name', 'rejectedIdentifier', 400],
    ['rejected-profile', 'badCSR', 400],
    ['rejected-power', 'badCSR', 400],
    ['bad-secret', 'unauthorized', 403],
    ['untrusted-signer', 'unauthorized', 403],
    ['revoked-requester', 'unauthorized', 403],
    ['forbidden', 'unauthorized', 403],
    ['invalid-state', 'malformed', 400],
    ['unknown-certificate', 'malformed', 404],
    ['already-revoked', 'alreadyRevoked', 400],
    ['already-confirmed', 'malformed', 400],
    ['duplicate-transaction', 'malformed', 409],
    ['duplicate-request', 'badCSR', 400],
    ['not-found', 'malformed', 404],
    ['rate-limited', 'rateLimited', 429],
    ['unavailable', 'serverInternal', 503],
  ])('are of a type and status of their own: %s', (code, type, status) => {
    const error = asAcmeError(new GatewayError(code, 'the words', { retryAfterSeconds: 7 }), 'request-1');
    expect(error).toMatchObject({ code, type, status, message: 'the words', retryAfterSeconds: 7 });
  });

  it('keep the status that HTTP has for them', () => {
    const error = asAcmeError(new HttpError(413, 'malformed-request', 'too large'), 'request-1');
    expect(error).toMatchObject({ type: 'malformed', status: 413 });
  });

  it.each([new GatewayError('internal', 'a secret'), new TypeError('a secret')])('tell nothing of %s', (cause) => {
    const error = asAcmeError(cause, 'request-1');
    expect(error).toMatchObject({ type: 'serverInternal', status: 500, cause });
    expect(error.message).toBe('the gateway failed; its operator finds the cause under request request-1');
  });
});
