import { describe, expect, it } from '@jest/globals';
import { problemReply } from '../../../protocols/rest/problem.js';
import { type ErrorCode, errorCodes, GatewayError, HttpError } from '../../../src/errors.js';
import { failureProblem } from '../../../src/http/problem.js';
import type { Reply } from '../../../src/protocol.js';

const requestId = '01a20039-f67a-70b8-b198-fa2606347e71';
const challenge = 'Bearer realm="gatehouse"';
const documentOf = ({ body }: Reply): unknown => JSON.parse(String(body));
const replyTo = (code: ErrorCode) => problemReply(new GatewayError(code, 'no'), requestId, challenge);

describe('Refusals over REST (RFC 9457)', () => {
  it('have a status for each code', () => {
    expect(Object.fromEntries(errorCodes.map((code) => [code, replyTo(code).status]))).toEqual({
      'malformed-request': 400,
      'unsupported-operation': 404,
      'unsupported-algorithm': 400,
      'invalid-signature': 400,
      'invalid-proof-of-possession': 400,
      'stale-message': 400,
      'unacceptable-key': 422,
      'rejected-name': 422,
      'rejected-profile': 422,
      'rejected-power': 422,
      'bad-secret': 401,
      'untrusted-signer': 403,
      'revoked-requester': 403,
      forbidden: 403,
      'invalid-state': 409,
      'unknown-certificate': 404,
      'already-revoked': 409,
      'already-confirmed': 409,
      'duplicate-transaction': 409,
      'duplicate-request': 409,
      'not-found': 404,
      'rate-limited': 429,
      unavailable: 503,
      internal: 500,
    });
  });

  it('are problem documents with the code, the request and the rule that refused', () => {
    const reply = problemReply(new GatewayError('rejected-name', 'no such name (rule subject)'), requestId, undefined);
    expect(reply.headers).toEqual({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' });
    expect(documentOf(reply)).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      detail: 'no such name (rule subject)',
      instance: `urn:uuid:${requestId}`,
      code: 'rejected-name',
      rule: 'subject',
    });
  });

  it('name no rule where the core named none', () => {
    const reply = problemReply(new GatewayError('forbidden', 'told of (rule x) by somebody'), requestId, undefined);
    expect(documentOf(reply)).not.toHaveProperty('rule');
  });

  it('have a challenge only where another secret would help', () => {
    const error = new GatewayError('bad-secret', 'no');
    expect(problemReply(error, requestId, challenge).headers).toMatchObject({ 'WWW-Authenticate': challenge });
    expect(problemReply(error, requestId, undefined)).toMatchObject({ status: 403 });
  });

  it.each(['rate-limited', 'unavailable'] as const)('say when to try again: %s', (code) => {
    const error = new GatewayError(code, 'no', { retryAfterSeconds: 12.3 });
    expect(problemReply(error, requestId, undefined).headers).toMatchObject({ 'Retry-After': '13' });
    expect(failureProblem(error, requestId).headers).toMatchObject({ 'Retry-After': '13' });
  });
});

describe('Failures over REST', () => {
  it.each([
    ['of the gateway', new Error('secret')],
    ['inside', new GatewayError('internal', 'secret')],
    ['that are no error', 'secret'],
  ])('%s tell nothing but the request', (_, error) => {
    const reply = failureProblem(error, requestId);
    expect([reply.status, String(reply.body)]).toEqual([500, expect.not.stringContaining('secret')]);
    expect(documentOf(reply)).toMatchObject({ code: 'internal', detail: expect.stringContaining(requestId) });
  });

  it('of the HTTP server have sentences of ours', () => {
    const reply = failureProblem(Object.assign(new Error('secret'), { status: 400 }), requestId);
    expect(documentOf(reply)).toMatchObject({ status: 400, detail: 'the HTTP request is malformed' });
    expect(failureProblem(Object.assign(new Error(), { status: 431 }), requestId)).toMatchObject({ status: 431 });
    const tooLarge = new HttpError(413, 'malformed-request', 'too large');
    expect(documentOf(failureProblem(tooLarge, requestId))).toMatchObject({ status: 413, detail: 'too large' });
  });
});
