/** What the gateway does with private keys, wherever they are kept. */
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { Statement } from '../store/change.js';
import type { KeyTransport } from '../x509/key-transport.js';
import type { MessageSignatureScheme } from '../x509/message-signatures.js';
import type { KeyAlgorithm } from '../x509/public-key.js';
import type { RsaPadding } from '../x509/signature-algorithms.js';

export type SignatureHash = 'sha256' | 'sha384' | 'sha512';

/** A private key that signs. EdDSA ignores `hash`; ECDSA signatures are DER. */
export interface Signer {
  readonly keyId: string;
  readonly algorithm: KeyAlgorithm;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /**
   * SHA-1 is for answers to old SCEP clients; what a CA signs has a SignatureHash. `rsaPadding`: PKCS #1 v1.5 where absent; of
   * no meaning for other keys.
   * @throws GatewayError `unavailable` where the key cannot be reached at the moment, `internal` where it does not open
   */
  sign(data: Uint8Array, hash: SignatureHash | 'sha1', rsaPadding?: RsaPadding): Promise<Uint8Array>;
}

/** A private key that signs answers the way that requests are signed. */
export interface MessageSigner {
  readonly keyId: string;
  /** Signs as the scheme says, which is one of the key's kind; ECDSA signatures are DER. */
  signMessage(data: Uint8Array, scheme: MessageSignatureScheme): Promise<Uint8Array>;
}

/** An RSA private key that opens what was encrypted to it. */
export interface Decrypter {
  readonly keyId: string;
  /**
   * Opens a content-encryption key of `length` octets. What cannot be opened gives random octets, in the same time:
   * nobody learns from it whether the padding was right (RFC 3218 2.3.2).
   */
  openKey(transport: KeyTransport, encryptedKey: Uint8Array, length: number): Promise<Uint8Array>;
}

/** An EC private key that agrees on secrets with the holders of others. */
export interface Agreer {
  readonly keyId: string;
  /**
   * The secret that both can compute (ECDH): its x-coordinate. Undefined for a key of another kind or curve.
   * @param publicKey the other's, DER SubjectPublicKeyInfo
   */
  agree(publicKey: Uint8Array): Promise<Uint8Array | undefined>;
}

export interface KeyStore {
  /** Makes a key and returns what has to be committed for it to exist. */
  create(type: GeneratedKeyType, purpose: string): Promise<NewKey>;
  /** @throws GatewayError `internal` when there is no such key, or it does not open under the key-encryption key. */
  signer(keyId: string): Promise<Signer>;
  /** @throws GatewayError `internal` as `signer` does, and for the key of a CA. */
  messageSigner(keyId: string): Promise<MessageSigner>;
  /** @throws GatewayError `internal` as `signer` does, and for the key of a CA or one that is not RSA. */
  decrypter(keyId: string): Promise<Decrypter>;
  /** @throws GatewayError `internal` as `signer` does, and for the key of a CA or one that is not EC. */
  agreer(keyId: string): Promise<Agreer>;
}

export interface NewKey {
  readonly signer: Signer;
  /** The write that keeps it; the key is usable at once but lost unless this is committed. */
  readonly statement: Statement;
}
