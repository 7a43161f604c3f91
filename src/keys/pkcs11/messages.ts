/** What the gateway and the process that drives a PKCS#11 library say to each other. */
import type { GeneratedKeyType } from '../../model/key-constraints.js';
import type { Pkcs11StoreConfig } from '../../model/key-store.js';
import type { HashAlgorithm } from '../../x509/signature-algorithms.js';

/** A token, and how to log in to it. */
export interface TokenAddress
  extends Pick<Pkcs11StoreConfig, 'tokenLabel' | 'tokenSerial' | 'pinFile' | 'pinVariable' | 'sessions'> {
  /** Of the key store. */
  readonly name: string;
  /** 256 bits: keyed hashes of PINs, under which a refused one is remembered, are made with it. */
  readonly pinKey: Uint8Array;
  /** The keyed hash, hex, of the PIN that the token has refused: it is not tried a second time. */
  readonly refusedPin: string | undefined;
}

/** How a token signs: what is given to it, and with which mechanism. */
export type TokenSignature =
  | { readonly scheme: 'ecdsa' | 'rsa-pkcs1' | 'eddsa'; readonly input: Uint8Array }
  | { readonly scheme: 'rsa-pss'; readonly hash: HashAlgorithm; readonly input: Uint8Array };

/** Keys are named by their CKA_ID. */
export type TokenOperation =
  | { readonly kind: 'probe' }
  | { readonly kind: 'create'; readonly id: Uint8Array; readonly type: GeneratedKeyType; readonly label: string }
  | { readonly kind: 'find'; readonly id: Uint8Array }
  | ({ readonly kind: 'sign'; readonly id: Uint8Array } & { readonly signature: TokenSignature })
  | { readonly kind: 'destroy'; readonly id: Uint8Array }
  | { readonly kind: 'list'; readonly labelPrefix: string };

export interface TokenKey {
  /** CKA_ID, lower-case hex. */
  readonly id: string;
  readonly label: string;
}

export interface TokenResult {
  /** create and find: DER SubjectPublicKeyInfo; sign: what the mechanism gives. */
  readonly octets?: Uint8Array;
  /** list. */
  readonly keys?: readonly TokenKey[];
  /** probe: which token it is. */
  readonly detail?: string;
}

/**
 * away: sessions, handles or the token are gone, or it was never there; pin: the token refuses the PIN; full: it takes no
 * more keys; unsupported: it has no such keys or signatures; no-key: there is none of this id; fault: anything else.
 */
export type TokenFailureKind = 'away' | 'pin' | 'full' | 'unsupported' | 'no-key' | 'fault';

export interface TokenRequest {
  readonly number: number;
  readonly token: TokenAddress;
  readonly operation: TokenOperation;
}

export interface TokenReply {
  readonly number: number;
  readonly result?: TokenResult;
  readonly failure?: { readonly kind: TokenFailureKind; readonly message: string; readonly refusedPin?: string };
}

/** Why an operation came to nothing; `message` is for the operator. */
export class TokenError extends Error {
  readonly kind: TokenFailureKind;
  /** The keyed hash, hex, of the PIN that was refused. */
  readonly refusedPin: string | undefined;

  constructor(kind: TokenFailureKind, message: string, refusedPin?: string) {
    super(message);
    this.name = 'TokenError';
    this.kind = kind;
    this.refusedPin = refusedPin;
  }
}
