/** A CMP client over real connections, written from the RFCs alone; each answer is checked as a client must. */
import { X509Certificate } from 'node:crypto';
import type { CmpClient, CmpClientOptions, CmpPeer } from './cmp/client.js';
import { createPeerClient } from './cmp/peer-client.js';
import type { TestGateway } from './test-gateway.js';

export interface GatewayCmpOptions extends CmpClientOptions {
  readonly label?: string;
  /** Over the TLS listener instead of the plain one. */
  readonly isTls?: boolean;
  /** Default: `/.well-known/cmp`, with `/p/<label>` where there is a label. */
  readonly path?: string;
}

/** A client of a gateway whose roots it trusts. */
export function createCmpClient(test: TestGateway, options: GatewayCmpOptions = {}): CmpClient {
  return createPeerClient(peerOf(test, options), options);
}

export function peerOf({ gateway }: TestGateway, options: GatewayCmpOptions): CmpPeer {
  const { label, isTls = false } = options;
  const { deviceTlsPort, deviceHttpPort } = gateway.listeners;
  const roots = gateway.core.authority
    .generations()
    .filter(({ certificate }) => Buffer.compare(certificate.issuer, certificate.subject) === 0);
  return {
    origin: isTls ? `https://127.0.0.1:${deviceTlsPort}` : `http://127.0.0.1:${deviceHttpPort}`,
    path: options.path ?? (label === undefined ? '/.well-known/cmp' : `/.well-known/cmp/p/${label}`),
    trustAnchors: roots.map(({ certificate }) => new X509Certificate(certificate.der)),
    now: () => gateway.core.clock.now(),
  };
}
