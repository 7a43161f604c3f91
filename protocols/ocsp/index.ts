/** Online Certificate Status Protocol (RFC 6960, RFC 5019, RFC 9654): where requests come in, and how answers go out. */
import { type GatewayError, isRefusal } from '../../src/errors.js';
import { entityTag, matchesEntityTag } from '../../src/http/entity-tag.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply } from '../../src/protocol.js';
import { recordingRefused } from '../../src/refused-message.js';
import { type Answer, createAnswers } from './answers.js';
import { errorReply, failureReply, responseType } from './errors.js';
import { readRequest } from './request.js';

/** Makes the OCSP handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createOcspHandler(services: ProtocolServices): ProtocolHandler {
  const answer = createAnswers(services);

  async function respond(exchange: Exchange): Promise<Reply> {
    const message = { protocol: 'ocsp', operation: 'request', exchange };
    return await recordingRefused(
      message,
      services,
      async () => {
        const request = readRequest(exchange);
        const answered = await answer(request);
        return request.nonce === undefined
          ? cachedReply(answered, exchange, services.clock.now())
          : freshReply(answered);
      },
      isWrongRequest,
    );
  }

  async function handle(exchange: Exchange): Promise<Reply> {
    try {
      return await respond(exchange);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return errorReply(error);
    }
  }

  return {
    name: 'ocsp',
    routes: [
      { method: 'POST', path: '/ocsp/:generation', plainHttp: true, bodyLimit: maximumBody, handle },
      { method: 'GET', path: '/ocsp/:generation/*request', plainHttp: true, bodyLimit: 0, handle },
    ],
    failure: failureReply,
  };
}

// Room for 32 CertIDs with SHA-512 and a signature with certificates.
const maximumBody = 16 * 1_024;

/** Being asked too much is no fault of the request. */
function isWrongRequest(error: unknown): error is GatewayError {
  return isRefusal(error) && error.code !== 'rate-limited';
}

/** With the headers of RFC 5019 5 and 6.2; 304 where the client has it already (RFC 9110 15.4.5). */
function cachedReply({ der, thisUpdate, nextUpdate, maximumAge }: Answer, exchange: Exchange, now: Date): Reply {
  const remaining = Math.floor((nextUpdate.getTime() - now.getTime()) / 1000) - 1;
  const tag = entityTag(der);
  const headers = {
    ETag: tag,
    'Last-Modified': thisUpdate.toUTCString(),
    Expires: nextUpdate.toUTCString(),
    'Cache-Control': cacheControl(Math.max(0, Math.min(maximumAge, remaining))),
  };
  const isKnown = exchange.method !== 'POST' && matchesEntityTag(exchange.headers['if-none-match'], tag);
  if (isKnown) return { status: 304, headers, body: '' };
  return { status: 200, headers: { 'Content-Type': responseType, ...headers }, body: der };
}

/** To a nonce nobody else has an answer: caches need not keep it, but must not be told so by no-store (RFC 5019 6.2). */
function freshReply({ der }: Answer): Reply {
  return { status: 200, headers: { 'Content-Type': responseType, 'Cache-Control': cacheControl(0) }, body: der };
}

function cacheControl(seconds: number): string {
  return `max-age=${seconds}, public, no-transform, must-revalidate`;
}
