/** What a protocol may know of the CAs, of what they publish, and of what has become of their certificates. */
import type { GenerationState } from './model/certificate-authority.js';
import type { CertStatus } from './x509/ocsp-response.js';

/** What is said of a certificate, and the generation of the CA that the question means. */
export type CertificateStatus = CertStatus & {
  readonly generation: string;
  /** That it is revoked because it was never issued (RFC 6960 2.2). */
  readonly isUnissued?: true;
};

export interface PublishedCrlQuery {
  readonly generation: string;
  readonly partition: number;
  /** Whether the client has the CRL with this entity tag, quotes included: then it is not read. */
  isKnown(etag: string): boolean;
}

export interface PublishedCrl {
  /** A strong entity tag (RFC 9110 8.8.3), quotes included. */
  readonly etag: string;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** How long caches may keep it at most, seconds: a revocation brings a new one before nextUpdate. */
  readonly maximumAge: number;
  /** Absent for one that the client has. */
  readonly der?: Uint8Array;
}

/** A new root CA certificate and what leads to it from the old one; DER. */
export interface RootUpdate {
  readonly newWithNew: Uint8Array;
  readonly newWithOld: Uint8Array;
  readonly oldWithNew: Uint8Array;
}

/** A root CA certificate that relying parties trust, or are to trust. */
export interface TrustAnchor {
  /** The CA's name in the catalog. */
  readonly ca: string;
  readonly generation: string;
  readonly state: GenerationState;
  /** DER. */
  readonly certificate: Uint8Array;
}
