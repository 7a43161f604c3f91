/** The repository: CRLs and CA certificates over plain HTTP (RFC 5280 4.2.1.13 and 4.2.2.1, media types of RFC 2585). */

import { GatewayError } from '../../src/errors.js';
import { entityTag, matchesEntityTag } from '../../src/http/entity-tag.js';
import { failureAnswer, refusalAnswer } from '../../src/http/text-answer.js';
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
    failure: (error, { requestId }) => failureAnswer(error, requestId),
  };
}

const maximumCrlAge = 300;
const maximumCertificateAge = 86_400;

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
