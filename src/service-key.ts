/** The keys that the gateway uses in its own name, as protocols have them: only what is done with them. */
import type { KeyTransport } from './x509/key-transport.js';
import type { MessageSignatureScheme } from './x509/message-signatures.js';

/** A key with its certificate. */
export interface ServiceKey {
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER certificates from the issuer up to and including the root. */
  readonly chain: readonly Uint8Array[];
  readonly algorithm: 'rsa' | 'ec' | 'ed25519';
  /** SHA-1 is for answers to clients that a policy's legacy switch admits. */
  sign(data: Uint8Array, hash: 'sha1' | 'sha256' | 'sha384' | 'sha512'): Promise<Uint8Array>;
}

/** A service key that signs answers the way that requests are signed. */
export interface MessageServiceKey extends ServiceKey {
  /** Signs as the scheme says, which is one of the key's kind; ECDSA signatures are DER. */
  signMessage(data: Uint8Array, scheme: MessageSignatureScheme): Promise<Uint8Array>;
}

/** A service key that clients encrypt to. */
export interface EncryptionServiceKey extends ServiceKey {
  /**
   * Opens a content-encryption key of `length` octets. What cannot be opened gives random octets, in the same time:
   * nobody learns from it whether the padding was right (RFC 3218 2.3.2).
   */
  openKey(transport: KeyTransport, encryptedKey: Uint8Array, length: number): Promise<Uint8Array>;
}

/** A key that signs OCSP answers for one generation of a CA (RFC 6960 4.2.2.2), with SHA-256. */
export interface OcspResponder extends Pick<ServiceKey, 'certificate' | 'sign'> {
  /** DER AlgorithmIdentifier of its signatures. */
  readonly signatureAlgorithm: Uint8Array;
  /** SHA-1 over the bits of its key: another one for each renewal. */
  readonly keyHash: Uint8Array;
  /** The end of its certificate. */
  readonly notAfter: Date;
  /** How long its answers are valid, in seconds. */
  readonly validity: number;
  /** How long HTTP caches may keep them, in seconds. */
  readonly maximumAge: number;
}
