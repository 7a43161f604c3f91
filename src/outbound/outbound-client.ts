/** The one way out: requests to where configuration or a requester points, never to where they must not go. */
import { lookup as systemLookup } from 'node:dns/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { OutboundError, outboundFailure } from './outbound-error.js';
import type { OutboundNetworks } from './permitted-addresses.js';
import { answerWith, type Resolve, type ResolvedAddress, reachableAddresses } from './reachable-addresses.js';
import { withinTime } from './time-limit.js';
import { type OutboundHandshake, shakeHands, type TlsPeer } from './tls-handshake.js';
import { hostOf } from './url-host.js';

export interface OutboundRequest {
  /** `http:` or `https:`, without credentials. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** For everything together: name resolution, connection, TLS and the whole answer. */
  readonly timeoutMilliseconds: number;
  readonly maximumResponseBytes: number;
  readonly networks: OutboundNetworks;
  /** Where the host of the URL is, if the caller has found that out; subject to `networks` all the same. */
  readonly addresses?: readonly string[];
  /** PEM certificates that the server's must chain to; those that Node trusts, if absent. */
  readonly ca?: string;
  /** Whether the server's certificate has to be good; it has, if absent. */
  readonly verifyServer?: boolean;
}

/** The answer as it came: redirects are not followed, no encoding is undone. */
export interface OutboundResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface OutboundClient {
  /** @throws OutboundError when there is no whole answer */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  /** Makes a TLS connection, and ends it. @throws OutboundError when the handshake does not come to its end */
  handshake(handshake: OutboundHandshake): Promise<TlsPeer>;
}

interface OutboundClientOptions {
  /** All addresses of a host name; the operating system's by default. */
  readonly resolve?: Resolve;
}

/**
 * Each request has a connection of its own: a pool would let one request use what only another's networks permit.
 * Proxy settings of the environment are not for it, because the address could not be checked behind a proxy.
 */
export function createOutboundClient({ resolve = resolveBySystem }: OutboundClientOptions = {}): OutboundClient {
  return {
    request: async (request) => {
      const url = parseUrl(request.url);
      return await withinTime(request.timeoutMilliseconds, url.host, (signal) =>
        exchange(url, request, resolve, signal),
      );
    },
    handshake: (handshake) => shakeHands(handshake, resolve),
  };
}

function resolveBySystem(hostname: string): Promise<ResolvedAddress[]> {
  return systemLookup(hostname, { all: true });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new OutboundError('bad-url', 'the address of an outbound request is no URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OutboundError('bad-url', `outbound requests go to http and https only, not to ${url.protocol}`);
  if (url.username !== '' || url.password !== '')
    throw new OutboundError('bad-url', `the URL at ${url.host} has credentials in it, which are not sent`);
  return url;
}

async function exchange(
  url: URL,
  request: OutboundRequest,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const target = { label: url.host, host: hostOf(url), addresses: request.addresses, networks: request.networks };
  const addresses = await reachableAddresses(target, resolve);
  signal.throwIfAborted();
  const incoming = await send(url, request, addresses, signal);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: await readBody(incoming, request.maximumResponseBytes, url),
  };
}

/** Connects to one of the addresses, so that a name that is asked for again has no chance to mean another one. */
function send(
  url: URL,
  { method, headers, body, ca, verifyServer = true }: OutboundRequest,
  addresses: readonly ResolvedAddress[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const host = hostOf(url);
  const isTls = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    let isInHandshake = false;
    const outgoing = (isTls ? requestTls : requestPlain)({
      agent: false,
      host,
      path: `${url.pathname}${url.search}`,
      method,
      lookup: answerWith(addresses),
      signal,
      ...(url.port === '' ? {} : { port: url.port }),
      ...(headers ? { headers } : {}),
      ...(isTls
        ? {
            // Said here, so that neither a Host header nor NODE_TLS_REJECT_UNAUTHORIZED can say otherwise.
            servername: isIP(host) === 0 ? host : '',
            rejectUnauthorized: verifyServer,
            minVersion: 'TLSv1.2',
            ...(ca === undefined ? {} : { ca }),
          }
        : {}),
    });
    outgoing.once('socket', (socket: Socket) => {
      if (!isTls) return;
      socket.once('connect', () => {
        isInHandshake = true;
      });
      socket.once('secureConnect', () => {
        isInHandshake = false;
      });
    });
    outgoing.once('response', resolve);
    outgoing.once('upgrade', (_incoming, socket: Socket) => {
      socket.destroy();
      reject(outboundFailure('unreachable', url.host, new Error('it changed the protocol')));
    });
    outgoing.on('error', (error) => reject(outboundFailure(isInHandshake ? 'tls' : 'unreachable', url.host, error)));
    outgoing.end(body);
  });
}

async function readBody(incoming: IncomingMessage, maximumBytes: number, url: URL): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maximumBytes)
        throw new OutboundError('too-large', `the answer of ${url.host} is longer than ${maximumBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof OutboundError ? error : outboundFailure('unreachable', url.host, error);
  }
  return Buffer.concat(chunks);
}
