/** The repository: CRLs and CA certificates over plain HTTP (RFC 5280 4.2.1.13 and 4.2.2.1, media types of RFC 2585). */

import { type ErrorCode, GatewayError } from '../../src/errors.js';
import { entityTag, matchesEntityTag } from '../../src/http/entity-tag.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply } from '../../src/protocol.js';

/** Makes the handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createRepositoryHandler(services: ProtocolServices): ProtocolHandler {
  async function crl({ params, headers }: Exchange): Promise<Reply> {
    const { generation = '', partition = '' } = params;
    if (!/^\d{1,9}$/.test(partition)) throw notFound();
    const { der, nextUpdate } = await services.crl(generation, Number(partition));
    const remaining = Math.floor((nextUpdate.getTime() - services.clock.now().getTime()) / 1000);
    // Not until nextUpdate: a revocation brings a new CRL before that.
    return cachedReply('application/pkix-crl', der, Math.min(maximumCrlAge, remaining), headers['if-none-match']);
  }

  async function caCertificate({ params, headers }: Exchange): Promise<Reply> {
    const der = services.caCertificate(params.generation ?? '');
    return cachedReply('application/pkix-cert', der, maximumCertificateAge, headers['if-none-match']);
  }

  const get = { method: 'GET', plainHttp: true, bodyLimit: 0 } as const;
  return {
    name: 'repository',
    routes: [
      { ...get, path: '/crl/:generation/:partition.crl', handle: answering(crl) },
      { ...get, path: '/aia/:generation.cer', handle: answering(caCertificate) },
    ],
    failure: (error, { requestId }) => failureReply(error, requestId),
  };
}

const maximumCrlAge = 300;
const maximumCertificateAge = 86_400;

const statuses: Readonly<Record<ErrorCode, number>> = {
  'malformed-request': 400,
  'unsupported-operation': 404,
  'unsupported-algorithm': 400,
  'invalid-signature': 400,
  'invalid-proof-of-possession': 400,
  'stale-message': 400,
  'unacceptable-key': 400,
  'rejected-name': 400,
  'rejected-profile': 400,
  'bad-secret': 403,
  'untrusted-signer': 403,
  'revoked-requester': 403,
  forbidden: 403,
  'invalid-state': 400,
  'unknown-certificate': 404,
  'already-revoked': 409,
  'duplicate-transaction': 409,
  'duplicate-request': 409,
  'not-found': 404,
  'rate-limited': 429,
  unavailable: 503,
  internal: 500,
};

function answering(answer: (exchange: Exchange) => Promise<Reply>): (exchange: Exchange) => Promise<Reply> {
  return async (exchange) => {
    try {
      return await answer(exchange);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'not-found') return failureReply(error, exchange.requestId);
      throw error;
    }
  };
}

function notFound(): GatewayError {
  return new GatewayError('not-found', 'there is no such CRL');
}

/** A body with what caches need to know; `maximumAge` in seconds. 304 where the client has it already (RFC 9110 15.4.5). */
function cachedReply(
  contentType: string,
  body: Uint8Array,
  maximumAge: number,
  ifNoneMatch: string | undefined,
): Reply {
  const tag = entityTag(body);
  const headers = { ETag: tag, 'Cache-Control': `public, max-age=${Math.max(0, maximumAge)}` };
  if (matchesEntityTag(ifNoneMatch, tag)) return { status: 304, headers, body: '' };
  return { status: 200, headers: { 'Content-Type': contentType, ...headers }, body };
}

function failureReply(error: unknown, requestId: string): Reply {
  if (error instanceof GatewayError && error.code !== 'internal') {
    const { code, message, retryAfterSeconds = 60 } = error;
    const status = statuses[code];
    return textReply(
      status,
      message,
      status === 429 || status === 503 ? { 'Retry-After': String(retryAfterSeconds) } : {},
    );
  }
  const status = clientErrorStatus(error);
  if (status !== undefined) return textReply(status, 'the request cannot be served');
  return textReply(500, `the gateway failed; its operator finds the cause under request ${requestId}`);
}

/** What the HTTP server itself refuses carries a `status`. */
function clientErrorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

function textReply(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body: `${sentence}\n` };
}
