/** Who is at the other end of a connection: directly, or as told by a trusted proxy. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TlsClient } from '../protocol.js';
import { directClient, proxiedClient } from './tls-client.js';

export interface ClientOptions {
  readonly listener: 'device-tls' | 'device-http' | 'admin';
  /** Whether an address is that of a proxy whose Client-Cert header is believed. */
  readonly isTrustedProxy: (address: string) => boolean;
}

/** @throws GatewayError `malformed-request` when a trusted proxy tells nonsense */
export function describeClient(
  request: IncomingMessage,
  { listener, isTrustedProxy }: ClientOptions,
): { remoteAddress: string; tls?: TlsClient } {
  const address = plainAddress(request.socket.remoteAddress ?? '');
  if (listener === 'device-http') return { remoteAddress: address };
  if (isTrustedProxy(address)) {
    const forwarded = request.headers['x-forwarded-for'];
    // The last entry is the one that the trusted proxy itself wrote.
    const client = forwardedAddress([forwarded].flat().join(',').split(',').at(-1)?.trim() ?? '');
    return { remoteAddress: plainAddress(client ?? address), tls: proxiedClient(request.headers) };
  }
  const tls = directClient(request);
  return tls ? { remoteAddress: address, tls } : { remoteAddress: address };
}

/**
 * Some proxies write the client's port as well, which would make each of its connections another client to the limits on them.
 * @returns undefined for what is no address, such as `unknown`: then the proxy is all that is known
 */
function forwardedAddress(entry: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+):\d+)$/.exec(entry) ?? [];
  const address = bracketed ?? plain ?? entry;
  return isIP(address) === 0 ? undefined : address;
}

/** IPv4 addresses as such, also where a dual-stack socket maps them into IPv6. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
