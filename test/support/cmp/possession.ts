/** Proofs of possession (RFC 4211 4), those that fail included. */
import { diffieHellman, type KeyObject } from 'node:crypto';
import { bitString, explicit, implicit, nullValue, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { flipped } from '../flipped.js';
import { type KeyPair, spkiOf } from '../make-csr.js';
import { generalName } from './header.js';
import { computeMac, type MacWish, macIdentifier } from './macs.js';
import { secretOf } from './message.js';
import { type SignatureName, signatureIdentifier, signWith, usualSignature } from './signatures.js';

type KeyUse = 'keyEncipherment' | 'keyAgreement';

export type PossessionWish =
  | { readonly kind: 'none' | 'raVerified' }
  | {
      readonly kind: 'signature';
      /** Another key than the one to be certified. */
      readonly signedBy?: KeyPair;
      readonly algorithm?: SignatureName;
      /** POPOSigningKeyInput, which is signed in the CertRequest's place (RFC 4211 4.1). */
      readonly input?: SigningKeyInput;
      readonly isDamaged?: boolean;
    }
  /** The server is to encrypt the certificate, or a challenge (RFC 9810 5.2.8.3); a number stands for neither. */
  | { readonly kind: 'subsequent'; readonly use: KeyUse; readonly message: 'encrCert' | 'challengeResp' | number }
  /** A MAC with what the new key and one of the CA's agree on. */
  | { readonly kind: 'agreeMac'; readonly caKey: KeyObject; readonly mac?: MacWish; readonly isDamaged?: boolean }
  /** EnvelopedData (DER) with the private key. */
  | { readonly kind: 'encryptedKey'; readonly use: KeyUse; readonly envelope: Uint8Array }
  | { readonly kind: 'thisMessage' | 'dhMac'; readonly use: KeyUse; readonly bits: Uint8Array }
  /** DER ProofOfPossession. */
  | { readonly kind: 'raw'; readonly der: Uint8Array };

export interface SigningKeyInput {
  /** Either it or the MAC: RFC 4514 text or DER GeneralName. */
  readonly sender?: string | Uint8Array;
  readonly publicKeyMac?: {
    readonly secret: string | Uint8Array;
    readonly mac?: MacWish;
    readonly isDamaged?: boolean;
  };
  /** DER SubjectPublicKeyInfo; default: the key's. */
  readonly publicKey?: Uint8Array;
}

/** DER ProofOfPossession for a CertRequest (DER); undefined where there is to be none. */
export function makePossession(wish: PossessionWish, request: Uint8Array, key?: KeyPair): Uint8Array | undefined {
  switch (wish.kind) {
    case 'none':
      return undefined;
    case 'raVerified':
      return implicit(0, nullValue);
    case 'signature':
      return makeSignature(wish, request, present(wish.signedBy ?? key), key);
    case 'subsequent': {
      const number = typeof wish.message === 'number' ? wish.message : subsequentMessages[wish.message];
      return privateKeyProof(wish.use, implicit(1, smallInteger(number)));
    }
    case 'agreeMac': {
      const { caKey, mac, isDamaged } = wish;
      const secret = diffieHellman({ privateKey: present(key).privateKey, publicKey: caKey });
      return privateKeyProof('keyAgreement', implicit(3, macValue(secret, request, mac, isDamaged)));
    }
    case 'encryptedKey':
      return privateKeyProof(wish.use, implicit(4, wish.envelope));
    case 'thisMessage':
      return privateKeyProof(wish.use, implicit(0, bitString(wish.bits)));
    case 'dhMac':
      return privateKeyProof(wish.use, implicit(2, bitString(wish.bits)));
    case 'raw':
      return wish.der;
  }
}

const subsequentMessages = { encrCert: 0, challengeResp: 1 } as const;

/** POPOSigningKey */
function makeSignature(
  { algorithm, input, isDamaged }: PossessionWish & { readonly kind: 'signature' },
  request: Uint8Array,
  { privateKey }: KeyPair,
  key: KeyPair | undefined,
): Uint8Array {
  const identifier = signatureIdentifier(algorithm ?? usualSignature(privateKey));
  const signed = input && encodeInput(input, key);
  const signature = signWith(identifier, privateKey, signed ?? request);
  const bits = bitString(isDamaged ? flipped(signature) : signature);
  return implicit(1, sequence(signed && implicit(0, signed), identifier, bits));
}

function encodeInput({ sender, publicKeyMac, publicKey }: SigningKeyInput, key: KeyPair | undefined): Uint8Array {
  const spki = publicKey ?? spkiOf(present(key));
  const mac =
    publicKeyMac && macValue(secretOf(publicKeyMac.secret), spki, publicKeyMac.mac, publicKeyMac.isDamaged ?? false);
  return sequence(sender === undefined ? undefined : explicit(0, generalName(sender)), mac, spki);
}

/** PKMACValue */
function macValue(secret: Uint8Array, data: Uint8Array, wish: MacWish = { type: 'pbm' }, isDamaged = false) {
  const identifier = macIdentifier(wish);
  const mac = computeMac(identifier, secret, data);
  return sequence(identifier, bitString(isDamaged ? flipped(mac) : mac));
}

/** POPOPrivKey, a CHOICE, so that the tag around it is EXPLICIT. */
function privateKeyProof(use: KeyUse, choice: Uint8Array): Uint8Array {
  return explicit(use === 'keyEncipherment' ? 2 : 3, choice);
}

function present(key: KeyPair | undefined): KeyPair {
  if (key === undefined) throw new Error('a proof of possession without a key');
  return key;
}
