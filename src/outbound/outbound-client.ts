/** The one way out: HTTP requests to where configuration or a requester points, never to where they must not go. */
import { lookup as systemLookup } from 'node:dns/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { OutboundError } from './outbound-error.js';
import { compilePermitted, type OutboundNetworks } from './permitted-addresses.js';

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
  /** PEM certificates that the server's must chain to; those that Node trusts, if absent. */
  readonly ca?: string;
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
}

interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

interface OutboundClientOptions {
  /** All addresses of a host name; the operating system's by default. */
  readonly resolve?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
}

/**
 * Each request has a connection of its own: a pool would let one request use what only another's networks permit.
 * Proxy settings of the environment are not for it, because the address could not be checked behind a proxy.
 */
export function createOutboundClient({ resolve = resolveBySystem }: OutboundClientOptions = {}): OutboundClient {
  return {
    request: async (request) => {
      const url = parseUrl(request.url);
      const abort = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      const timeLimit = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          const seconds = request.timeoutMilliseconds / 1000;
          reject(new OutboundError('timeout', `${url.host} gave no whole answer within ${seconds} s`));
          abort.abort();
        }, request.timeoutMilliseconds);
      });
      try {
        return await Promise.race([exchange(url, request, resolve, abort.signal), timeLimit]);
      } finally {
        clearTimeout(timer);
      }
    },
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
  resolve: NonNullable<OutboundClientOptions['resolve']>,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const addresses = await permittedAddresses(url, request.networks, resolve);
  signal.throwIfAborted();
  const incoming = await send(url, request, addresses, signal);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: await readBody(incoming, request.maximumResponseBytes, url),
  };
}

/** What the request may connect to. A name may have other addresses too: they are never tried. */
async function permittedAddresses(
  url: URL,
  networks: OutboundNetworks,
  resolve: NonNullable<OutboundClientOptions['resolve']>,
): Promise<readonly ResolvedAddress[]> {
  const addresses = await allAddresses(url, resolve);
  const permits = compilePermitted(networks);
  const permitted = addresses.filter(({ address }) => permits(address));
  if (permitted.length > 0) return permitted;
  if (addresses.length === 0) throw new OutboundError('unreachable', `${url.host} has no address`);
  const some = addresses.slice(0, 3).map(({ address }) => address);
  throw new OutboundError('denied-address', `${url.host} is at ${some.join(', ')}, where outbound requests may not go`);
}

async function allAddresses(
  url: URL,
  resolve: NonNullable<OutboundClientOptions['resolve']>,
): Promise<readonly ResolvedAddress[]> {
  const host = hostOf(url);
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  try {
    return await resolve(host);
  } catch (error) {
    throw failure('unreachable', url, error);
  }
}

/** Connects to one of the addresses, so that a name that is asked for again has no chance to mean another one. */
function send(
  url: URL,
  { method, headers, body, ca }: OutboundRequest,
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
            rejectUnauthorized: true,
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
      reject(failure('unreachable', url, new Error('it changed the protocol')));
    });
    outgoing.on('error', (error) => reject(failure(isInHandshake ? 'tls' : 'unreachable', url, error)));
    outgoing.end(body);
  });
}

function answerWith(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all) callback(null, [...addresses]);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
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
    throw error instanceof OutboundError ? error : failure('unreachable', url, error);
  }
  return Buffer.concat(chunks);
}

function failure(reason: 'unreachable' | 'tls', url: URL, error: unknown): OutboundError {
  const { code, message } = error as NodeJS.ErrnoException;
  const words = reason === 'tls' ? 'no TLS connection with' : 'no answer from';
  return new OutboundError(reason, `${words} ${url.host}: ${code ?? message}`);
}

function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
