/** What the bench tells its load generator, and what it hears from it. */
import type { ClientCa, ClientIdentity } from './prepared-request.js';

export interface LoadTarget {
  /** Of the operation itself, such as https://localhost:8443/.well-known/est/quickstart/simpleenroll, or of ACME's directory. */
  readonly url: string;
  /** PEM of the roots that the server is verified with; the system's when absent. */
  readonly caPem?: string;
}

interface AnyJob {
  readonly target: LoadTarget;
  /** How many requests are under way at the same time. */
  readonly clients: number;
  readonly seconds: number;
  /** The most that is sent; keys and requests are made before the clock starts. */
  readonly requests: number;
}

/** simpleenroll */
export interface EstJob extends AnyJob {
  readonly kind: 'est';
  readonly keepAlive: boolean;
  readonly basic?: { readonly user: string; readonly password: string };
  /** One client certificate for all, or a CA that makes one for each request. */
  readonly identity?: ClientIdentity;
  readonly clientCa?: ClientCa;
}

/** PKCSReq over connections that are kept. */
export interface ScepJob extends AnyJob {
  readonly kind: 'scep';
  /** PEM certificate that messages are encrypted to. */
  readonly recipientPem: string;
  readonly challenge: string;
}

/** ir with implicit confirm over connections that are kept. */
export interface CmpJob extends AnyJob {
  readonly kind: 'cmp';
  readonly protection: CmpProtection;
}

export type CmpProtection =
  /** By PasswordBasedMac with this secret. */
  | { readonly kind: 'mac'; readonly reference: string; readonly secret: string }
  /** By a certificate of the device's own, which this CA makes. */
  | { readonly kind: 'signature'; readonly clientCa: ClientCa };

/** Orders with http-01 from newOrder to the certificate, an account and a connection for each client. */
export interface AcmeJob extends AnyJob {
  readonly kind: 'acme';
  /** Orders are for names below it. */
  readonly domain: string;
  /** Where http-01 is answered. */
  readonly httpPort: number;
  /** Where any name is told to be on loopback. */
  readonly dnsPort: number;
  readonly externalAccount?: ExternalAccount;
}

/** RFC 8555 7.3.4 */
export interface ExternalAccount {
  readonly keyId: string;
  /** base64url */
  readonly hmacKey: string;
}

/** The status of some certificates in turn. */
export interface OcspJob extends AnyJob {
  readonly kind: 'ocsp';
  readonly question: 'get' | 'post-with-nonce';
  readonly issuerPem: string;
  /** Lower-case hex. */
  readonly serialNumbers: readonly string[];
}

/** TLS connections that carry nothing. */
export interface HandshakeJob extends AnyJob {
  readonly kind: 'handshake';
  readonly clientCa: ClientCa;
}

export type LoadJob = EstJob | ScepJob | CmpJob | AcmeJob | OcspJob | HandshakeJob;

export interface LoadResult {
  readonly done: number;
  readonly failed: number;
  /** The first thing that went wrong. */
  readonly failure?: string;
  readonly seconds: number;
  /** Of the answers, in milliseconds. */
  readonly median: number;
  readonly p99: number;
}

export type ToGenerator = { readonly job: LoadJob } | { readonly go: true };

export type FromGenerator =
  | { readonly ready: true }
  | { readonly progress: number }
  | { readonly result: LoadResult }
  | { readonly error: string };
