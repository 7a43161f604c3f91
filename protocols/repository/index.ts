/** The repository: CRLs, CA certificates and roots over plain HTTP (RFC 5280 4.2.1.13 and 4.2.2.1, media types of RFC 2585). */

import { GatewayError } from '../../src/errors.js';
import { failureAnswer, refusalAnswer } from '../../src/http/text-answer.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply } from '../../src/protocol.js';
import { cachedReply } from './cached-reply.js';
import { trustRoutes } from './trust.js';

/** Makes the handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createRepositoryHandler(services: ProtocolServices): ProtocolHandler {
  async function crl(exchange: Exchange): Promise<Reply> {
    const { generation = '', partition = '' } = exchange.params;
    if (!/^\d{1,9}$/.test(partition)) throw notFound();
    const { der, nextUpdate } = await services.crl(generation, Number(partition));
    const remaining = Math.floor((nextUpdate.getTime() - services.clock.now().getTime()) / 1000);
    // Not until nextUpdate: a revocation brings a new CRL before that.
    const maximumAge = Math.min(maximumCrlAge, remaining);
    return cachedReply({ contentType: 'application/pkix-crl', body: der, maximumAge }, exchange);
  }

  async function caCertificate(exchange: Exchange): Promise<Reply> {
    const body = services.caCertificate(exchange.params.generation ?? '');
    return cachedReply({ contentType: 'application/pkix-cert', body, maximumAge: maximumCertificateAge }, exchange);
  }

  const get = { method: 'GET', plainHttp: true, bodyLimit: 0 } as const;
  return {
    name: 'repository',
    routes: [
      { ...get, path: '/crl/:generation/:partition.crl', handle: answering(crl) },
      { ...get, path: '/aia/:generation.cer', handle: answering(caCertificate) },
      ...trustRoutes(services).map(({ path, handle }) => ({ ...get, path, handle: answering(handle) })),
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
