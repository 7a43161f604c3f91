/** TLS connections that are made to see who answers, and carry nothing. */
import { connect } from 'node:tls';
import { OutboundError, outboundFailure } from './outbound-error.js';
import type { OutboundNetworks } from './permitted-addresses.js';
import { answerWith, type Resolve, type ResolvedAddress, reachableAddresses } from './reachable-addresses.js';
import { withinTime } from './time-limit.js';

export interface OutboundHandshake {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Where the host is, if the caller has found that out; subject to `networks` all the same. */
  readonly addresses?: readonly string[];
  /** For the Server Name Indication (RFC 6066 3): a name, no address. */
  readonly serverName: string;
  /** The one protocol that is offered (RFC 7301). */
  readonly protocol: string;
  /** For everything together: name resolution, connection and TLS. */
  readonly timeoutMilliseconds: number;
  readonly networks: OutboundNetworks;
}

/** Who has answered, as it said itself: its certificate has been proved to be its own, and is not trusted in any way. */
export interface TlsPeer {
  /** DER. */
  readonly certificate: Uint8Array;
  /** The protocol that it has chosen, if it has. */
  readonly protocol: string | undefined;
}

/** TLS 1.2 or later. @throws OutboundError */
export async function shakeHands(handshake: OutboundHandshake, resolve: Resolve): Promise<TlsPeer> {
  const { host, port, addresses, networks, timeoutMilliseconds } = handshake;
  const label = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return await withinTime(timeoutMilliseconds, label, async (signal) => {
    const reachable = await reachableAddresses({ label, host, addresses, networks }, resolve);
    signal.throwIfAborted();
    return await meet(handshake, label, reachable, signal);
  });
}

function meet(
  { host, port, serverName, protocol }: OutboundHandshake,
  label: string,
  addresses: readonly ResolvedAddress[],
  signal: AbortSignal,
): Promise<TlsPeer> {
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const socket = connect({
      host,
      port,
      lookup: answerWith(addresses),
      servername: serverName,
      ALPNProtocols: [protocol],
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      sigalgs: signatureAlgorithms,
    });
    // The signal is no option of TLS connections.
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()?.raw;
      const { alpnProtocol } = socket;
      socket.destroy();
      if (certificate === undefined) reject(new OutboundError('tls', `${label} has shown no certificate`));
      else resolve({ certificate, protocol: typeof alpnProtocol === 'string' ? alpnProtocol : undefined });
    });
    socket.on('error', (error) => reject(outboundFailure(isConnected ? 'tls' : 'unreachable', label, error)));
  });
}

/**
 * RFC 8446 4.2.3, the one that is liked best first. Servers that have certificates of several keys choose by that, and Apache's
 * mod_md shows the one of a challenge only where it would show one of an RSA key. In TLS 1.2 the cipher suites have that order already.
 */
const signatureAlgorithms = [
  ...['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'],
  ...['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512', 'ed25519', 'ed448'],
  ...['rsa_pss_pss_sha256', 'rsa_pss_pss_sha384', 'rsa_pss_pss_sha512'],
  ...['rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'],
].join(':');
