/** ProofOfPossession (RFC 4211 section 4, RFC 9810 5.2.8). Nothing is verified here. */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { readExplicit, readImplicit, readPublicKeyInfo, retagged } from './building-blocks.js';
import { readGeneralNameElement } from './pki-header.js';

export type ProofOfPossession =
  /** An RA has verified it. */
  | { readonly type: 'raVerified' }
  | SignatureProof
  | { readonly type: 'keyEncipherment' | 'keyAgreement'; readonly proof: PrivateKeyProof };

/** POPOSigningKey (RFC 4211 4.1). */
export interface SignatureProof {
  readonly type: 'signature';
  /** What is signed instead of the CertRequest, when that lacks subject or key. */
  readonly poposkInput?: PoposkInput | undefined;
  /** DER AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** POPOSigningKeyInput (RFC 4211 4.1): exactly one of sender and publicKeyMac is there. */
export interface PoposkInput {
  /** DER with the tag of a SEQUENCE: what is signed. */
  readonly der: Uint8Array;
  /** DER GeneralName. */
  readonly sender?: Uint8Array | undefined;
  readonly publicKeyMac?: MacValue | undefined;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/** PKMACValue (RFC 4211 4.4). */
export interface MacValue {
  /** DER AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly value: Uint8Array;
}

/** POPOPrivKey (RFC 4211 4.2 and 4.3). */
export type PrivateKeyProof =
  /** Deprecated: the private key itself. The octets of the BIT STRING. */
  | { readonly type: 'thisMessage'; readonly value: Uint8Array }
  | { readonly type: 'subsequentMessage'; readonly method: 'encrCert' | 'challengeResp' }
  /** Deprecated: a MAC without its algorithm. */
  | { readonly type: 'dhMAC'; readonly value: Uint8Array }
  | { readonly type: 'agreeMAC'; readonly mac: MacValue }
  /** DER EnvelopedData with the private key. */
  | { readonly type: 'encryptedKey'; readonly envelopedData: Uint8Array };

/** Whether a value with this tag is a ProofOfPossession: it is OPTIONAL and has four forms. */
export function isProofOfPossession(tag: number | undefined): boolean {
  return tag === Tag.contextPrimitive(0) || tag === Tag.context(1) || tag === Tag.context(2) || tag === Tag.context(3);
}

/** Reads a ProofOfPossession as the next value. */
export function readProofOfPossession(reader: DerReader): ProofOfPossession {
  const { tag, offset } = reader;
  switch (tag) {
    case Tag.contextPrimitive(0):
      reader.null(tag);
      return { type: 'raVerified' };
    case Tag.context(1):
      return reader.inside(tag, readSignature);
    case Tag.context(2):
      return { type: 'keyEncipherment', proof: reader.inside(tag, readPrivateKeyProof) };
    case Tag.context(3):
      return { type: 'keyAgreement', proof: reader.inside(tag, readPrivateKeyProof) };
    default:
      throw new DerError('unknown form of ProofOfPossession', offset);
  }
}

function readSignature(reader: DerReader): SignatureProof {
  const input = readImplicit(reader, 0, Tag.sequence);
  return {
    type: 'signature',
    poposkInput: input && readInput(input),
    algorithm: reader.element(Tag.sequence),
    signature: reader.bitString(),
  };
}

function readInput(der: Uint8Array): PoposkInput {
  return DerReader.decode(der, (r) =>
    r.sequence((i) => {
      const sender = readExplicit(i, 0, readGeneralNameElement);
      const publicKeyMac = sender === undefined ? i.sequence(readMac) : undefined;
      return { der, sender, publicKeyMac, publicKey: readPublicKeyInfo(i).der };
    }),
  );
}

function readMac(reader: DerReader): MacValue {
  return { algorithm: reader.element(Tag.sequence), value: reader.bitString() };
}

function readPrivateKeyProof(reader: DerReader): PrivateKeyProof {
  const { tag, offset } = reader;
  switch (tag) {
    case Tag.contextPrimitive(0):
      return { type: 'thisMessage', value: reader.bitString(tag) };
    case Tag.contextPrimitive(1):
      return { type: 'subsequentMessage', method: readSubsequentMessage(reader) };
    case Tag.contextPrimitive(2):
      return { type: 'dhMAC', value: reader.bitString(tag) };
    case Tag.context(3):
      return { type: 'agreeMAC', mac: reader.inside(tag, readMac) };
    case Tag.context(4):
      return { type: 'encryptedKey', envelopedData: retagged(reader.element(), Tag.sequence) };
    default:
      throw new DerError('unknown form of POPOPrivKey', offset);
  }
}

function readSubsequentMessage(reader: DerReader): 'encrCert' | 'challengeResp' {
  const at = reader.offset;
  const number = reader.smallInteger(Tag.contextPrimitive(1));
  if (number > 1) throw new DerError('unknown SubsequentMessage', at);
  return number === 0 ? 'encrCert' : 'challengeResp';
}
