/** What is known of the client at the other end of TLS: directly, or as told by a trusted proxy (RFC 9440). */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { GatewayError } from '../errors.js';
import type { TlsClient } from '../protocol.js';

const maximumChain = 10;
/** A connection's client never changes, and Node makes its certificate anew at each look: look once. */
const clients = new WeakMap<TLSSocket, TlsClient>();

/** The client of a request that came over TLS of our own, or undefined on plain HTTP. */
export function directClient(request: IncomingMessage): TlsClient | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = clients.get(socket);
  if (known) return known;
  const client: TlsClient = {
    clientChain: presentedChain(socket),
    channelBinding: (type) => channelBinding(socket, type),
  };
  clients.set(socket, client);
  return client;
}

function presentedChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate && chain.length < maximumChain) {
    chain.push(certificate.raw);
    const { issuerCertificate } = certificate;
    certificate = issuerCertificate?.fingerprint256 === certificate.fingerprint256 ? undefined : issuerCertificate;
  }
  return chain;
}

function channelBinding(socket: TLSSocket, type: 'tls-unique' | 'tls-exporter'): Uint8Array | undefined {
  if (type === 'tls-exporter') {
    // RFC 9266 2: 32 bytes, with a zero-length context value.
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  }
  // RFC 5929 3.1: the first Finished message, which is the client's, because sessions are never resumed here.
  return socket.getProtocol() === 'TLSv1.2' ? socket.getPeerFinished() : undefined;
}

/**
 * The client as a TLS-terminating proxy tells it in Client-Cert and Client-Cert-Chain (RFC 9440 2.2, 2.3).
 * The proxy's own connection says nothing of the client, so there is no channel binding.
 *
 * @throws GatewayError `malformed-request` when the headers are not as the RFC has them.
 */
export function proxiedClient(headers: IncomingMessage['headers']): TlsClient {
  const leaf = [headers['client-cert']].flat().join();
  // A proxy that knows nothing of chains passes on whatever its client has put there: without a certificate it means nothing.
  if (leaf === '') return { clientChain: [], channelBinding: () => undefined };
  // One certificate (2.2): a list is what comes of a proxy that adds its header to one from outside. It has no comma.
  const encoded = [leaf, ...[headers['client-cert-chain'] ?? []].flat().flatMap((value) => value.split(','))];
  if (encoded.length > maximumChain)
    throw new GatewayError('malformed-request', 'the proxy sent too many client certificates');
  return { clientChain: encoded.map(decodeByteSequence), channelBinding: () => undefined };
}

/** RFC 8941 3.3.5: a byte sequence is base64 between colons. */
function decodeByteSequence(text: string): Uint8Array {
  const base64 = /^\s*:([A-Za-z0-9+/]+={0,2}):\s*$/.exec(text)?.[1];
  if (base64 === undefined)
    throw new GatewayError(
      'malformed-request',
      'the proxy sent a Client-Cert header that is not an RFC 9440 byte sequence',
    );
  return Buffer.from(base64, 'base64');
}
