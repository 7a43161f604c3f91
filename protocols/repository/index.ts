/** The repository: CRLs, CA certificates, roots and practice statements over plain HTTP (RFC 5280 4.2.1.13 and 4.2.2.1, media types of RFC 2585). */

import { GatewayError } from '../../src/errors.js';
import { matchesEntityTag } from '../../src/http/entity-tag.js';
import { failureAnswer, refusalAnswer } from '../../src/http/text-answer.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply } from '../../src/protocol.js';
import { cachedReply, cacheHeaders } from './cached-reply.js';
import { trustRoutes } from './trust.js';

/** Makes the handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createRepositoryHandler(services: ProtocolServices): ProtocolHandler {
  async function crl(exchange: Exchange, find: ProtocolServices['crl']): Promise<Reply> {
    const { generation = '', partition = '' } = exchange.params;
    if (!/^\d{1,9}$/.test(partition)) throw notFound();
    const tags = exchange.headers['if-none-match'];
    const found = await find({
      generation,
      partition: Number(partition),
      isKnown: (tag) => matchesEntityTag(tags, tag),
    });
    const { etag, thisUpdate, nextUpdate, maximumAge, der } = found;
    const now = services.clock.now().getTime();
    const remaining = Math.floor((nextUpdate.getTime() - now) / 1000);
    const age = Math.max(0, Math.min(maximumAge, remaining));
    const headers = {
      ...cacheHeaders(etag, age),
      'Last-Modified': thisUpdate.toUTCString(),
      Expires: new Date(now + age * 1000).toUTCString(),
    };
    if (der === undefined) return { status: 304, headers, body: '' };
    return { status: 200, headers: { 'Content-Type': 'application/pkix-crl', ...headers }, body: der };
  }

  async function caCertificate(exchange: Exchange): Promise<Reply> {
    const body = services.caCertificate(exchange.params.generation ?? '');
    return cachedReply({ contentType: 'application/pkix-cert', body, maximumAge: maximumCertificateAge }, exchange);
  }

  async function statement(exchange: Exchange): Promise<Reply> {
    const body = services.cps(exchange.params.ca ?? '');
    const headers = { 'X-Content-Type-Options': 'nosniff' };
    const contentType = 'text/plain; charset=utf-8';
    return cachedReply({ contentType, body, maximumAge: maximumStatementAge, headers }, exchange);
  }

  const get = { method: 'GET', plainHttp: true, bodyLimit: 0 } as const;
  return {
    name: 'repository',
    routes: [
      // Before the other, which would take it for a partition of this name.
      { ...get, path: '/crl/:generation/:partition-delta.crl', handle: answering((it) => crl(it, services.deltaCrl)) },
      { ...get, path: '/crl/:generation/:partition.crl', handle: answering((it) => crl(it, services.crl)) },
      { ...get, path: '/aia/:generation.cer', handle: answering(caCertificate) },
      { ...get, path: '/cps/:ca', handle: answering(statement) },
      ...trustRoutes(services).map(({ path, handle }) => ({ ...get, path, handle: answering(handle) })),
    ],
    failure: (error, { requestId }) => failureAnswer(error, requestId),
  };
}

const maximumCertificateAge = 86_400;
const maximumStatementAge = 300;

function answering(answer: (exchange: Exchange) => Promise<Reply>): (exchange: Exchange) => Promise<Reply> {
  return async (exchange) => {
    try {
      return await answer(exchange);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'not-found') return refusalAnswer(error);
      throw error;
    }
  };
}

function notFound(): GatewayError {
  return new GatewayError('not-found', 'there is no such CRL');
}
