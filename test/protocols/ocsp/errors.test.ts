import { describe, expect, it } from '@jest/globals';
import { createOcspHandler } from '../../../protocols/ocsp/index.js';
import { GatewayError } from '../../../src/errors.js';
import { readOcspResponse } from '../../support/ocsp-message.js';
import { unusedServices } from '../../support/unused-services.js';

const handler = createOcspHandler(unusedServices);

function failure(error: unknown) {
  const { status, headers, body } = handler.failure(error, { requestId: 'request-1', params: {}, headers: {} });
  return { status, headers, code: readOcspResponse(typeof body === 'string' ? Buffer.from(body) : body).code };
}

const headers = { 'Content-Type': 'application/ocsp-response', 'Cache-Control': 'no-store' };

describe('What cannot be answered (RFC 6960 2.3, RFC 5019 6.2)', () => {
  it.each([
    ['malformed-request', 1],
    ['internal', 2],
    ['unavailable', 3],
    ['rate-limited', 3],
    ['not-found', 6],
  ] as const)('for %s is an OCSPResponse with %d, which no cache keeps', (code, expected) => {
    expect(failure(new GatewayError(code, 'a reason'))).toEqual({ status: 200, headers, code: expected });
  });

  it('for what nobody foresaw is internalError, and shows nothing of it', () => {
    expect(failure(new Error('secret'))).toEqual({ status: 200, headers, code: 2 });
  });

  it('for what the HTTP server refuses is malformedRequest with its status', () => {
    expect(failure({ status: 408 })).toEqual({ status: 408, headers, code: 1 });
  });
});
