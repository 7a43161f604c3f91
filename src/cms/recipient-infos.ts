/** RFC 5652 section 6.2: wraps a content-encryption key for one recipient. */

import {
  constants,
  createHash,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { Tag } from '../x509/der.js';
import { bitString, explicit, octetString, oid, sequence, smallInteger, tlv } from '../x509/der-writer.js';
import { type KeyTransport, oaepHashes } from '../x509/key-transport.js';
import { idEcPublicKey, idX448, idX25519 } from '../x509/oids.js';
import {
  type AgreementAlgorithm,
  describePublicKey,
  importPublicKey,
  type NamedCurve,
  UnsupportedKeyError,
} from '../x509/public-key.js';
import type { HashAlgorithm } from '../x509/signature-algorithms.js';
import { type CertificateIdentifier, encodeCertificateIdentifier } from './certificate-identifier.js';
import { CmsError } from './cms-error.js';
import { keyTransportIdentifiers } from './key-transport.js';
import { type KeyWrap, keyWrapForLength, keyWraps, wrapKey } from './key-wrap.js';
import {
  dhSinglePassStdDhHkdfSha256,
  dhSinglePassStdDhHkdfSha384,
  dhSinglePassStdDhHkdfSha512,
  dhSinglePassStdDhSha256Kdf,
  dhSinglePassStdDhSha384Kdf,
  dhSinglePassStdDhSha512Kdf,
} from './oids.js';
import { encodePasswordRecipientInfo, type PasswordRecipient } from './password-recipient.js';

/** The hash of the key derivation function (RFC 5753 section 7.1.8). */
export type KeyAgreementHash = 'sha256' | 'sha384' | 'sha512';

export type Recipient =
  | {
      readonly type: 'keyTransport';
      readonly identifier: CertificateIdentifier;
      /** DER, an RSA key. */
      readonly subjectPublicKeyInfo: Uint8Array;
      /** The same key, where it is imported already. */
      readonly key?: KeyObject;
      readonly keyTransport: KeyTransport;
    }
  | {
      readonly type: 'keyAgreement';
      readonly identifier: CertificateIdentifier;
      /** DER, an EC key. */
      readonly subjectPublicKeyInfo: Uint8Array;
      /** The same key, where it is imported already. */
      readonly key?: KeyObject;
      readonly hash: KeyAgreementHash;
      readonly keyWrap: KeyWrap;
    }
  | {
      readonly type: 'keyEncryptionKey';
      readonly keyIdentifier: Uint8Array;
      /** An AES key of 16, 24 or 32 octets. */
      readonly key: Uint8Array;
    }
  | PasswordRecipient;

/** RFC 5753 section 8, and RFC 8418 for X25519 and X448, pair the curves with algorithms of like strength. */
export const agreementAlgorithms: Readonly<
  Record<NamedCurve | AgreementAlgorithm, { hash: KeyAgreementHash; keyWrap: KeyWrap }>
> = {
  'P-256': { hash: 'sha256', keyWrap: 'aes128-wrap' },
  'P-384': { hash: 'sha384', keyWrap: 'aes256-wrap' },
  'P-521': { hash: 'sha512', keyWrap: 'aes256-wrap' },
  x25519: { hash: 'sha256', keyWrap: 'aes128-wrap' },
  x448: { hash: 'sha512', keyWrap: 'aes256-wrap' },
};

/** A RecipientInfo, and the CMSVersion that an EnvelopedData with it and no other has (RFC 5652 section 6.1). */
export interface EncodedRecipientInfo {
  readonly der: Uint8Array;
  readonly envelopeVersion: 0 | 2 | 3;
}

/**
 * Encodes the RecipientInfo that gives `contentKey` to the recipient.
 * @throws CmsError (unsupported) for a key that does not fit, DerError for one that is none
 */
export function encodeRecipientInfo(recipient: Recipient, contentKey: Uint8Array): EncodedRecipientInfo {
  if (recipient.type === 'password') {
    return { der: encodePasswordRecipientInfo(recipient, contentKey), envelopeVersion: 3 };
  }
  if (recipient.type === 'keyEncryptionKey') return encodeKeyEncryptionKey(recipient, contentKey);
  try {
    if (recipient.type === 'keyTransport') return encodeKeyTransport(recipient, contentKey);
    return encodeKeyAgreement(recipient, contentKey);
  } catch (error) {
    if (error instanceof UnsupportedKeyError) throw new CmsError('unsupported', "the recipient's key is not supported");
    throw error;
  }
}

function encodeKeyTransport(
  { identifier, subjectPublicKeyInfo, keyTransport, key: imported }: Extract<Recipient, { type: 'keyTransport' }>,
  contentKey: Uint8Array,
): EncodedRecipientInfo {
  if (describePublicKey(subjectPublicKeyInfo).algorithm !== 'rsa') {
    throw new CmsError('unsupported', 'key transport needs an RSA key');
  }
  const oaepHash = oaepHashes[keyTransport];
  const key = imported ?? importPublicKey(subjectPublicKeyInfo);
  const encryptedKey =
    oaepHash === undefined
      ? publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, contentKey)
      : publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, contentKey);
  const version = identifier.type === 'issuerAndSerialNumber' ? 0 : 2;
  return {
    envelopeVersion: version,
    der: sequence(
      smallInteger(version),
      encodeCertificateIdentifier(identifier),
      keyTransportIdentifiers[keyTransport],
      octetString(encryptedKey),
    ),
  };
}

/** RFC 5753 section 3.1: ephemeral-static ECDH; the ephemeral key lives for this one message. */
function encodeKeyAgreement(
  { identifier, subjectPublicKeyInfo, hash, keyWrap, key }: Extract<Recipient, { type: 'keyAgreement' }>,
  contentKey: Uint8Array,
): EncodedRecipientInfo {
  const description = describePublicKey(subjectPublicKeyInfo);
  const { algorithm } = description;
  if (algorithm !== 'ec' && algorithm !== 'x25519' && algorithm !== 'x448') {
    throw new CmsError('unsupported', 'key agreement needs an EC key');
  }
  const isMontgomery = algorithm !== 'ec';
  const ephemeral = algorithm === 'ec' ? makeEcKey(description.curve) : makeMontgomeryKey[algorithm]();
  const point = pointOf(ephemeral.publicKey);
  const sharedSecret = diffieHellman({
    privateKey: ephemeral.privateKey,
    publicKey: key ?? importPublicKey(subjectPublicKeyInfo),
  });
  const userKeyingMaterial = randomBytes(32);
  const wrap = keyWraps[keyWrap];
  const sharedInfo = sequence(
    wrap.identifier,
    explicit(0, octetString(userKeyingMaterial)),
    explicit(2, octetString(uint32(wrap.keyLength * 8))),
  );
  const keyEncryptionKey = isMontgomery
    ? new Uint8Array(hkdfSync(hash, sharedSecret, userKeyingMaterial, sharedInfo, wrap.keyLength))
    : deriveKey(hash, sharedSecret, sharedInfo, wrap.keyLength);
  const encryptedKey = wrapKey(keyWrap, keyEncryptionKey, contentKey);
  return {
    envelopeVersion: 2,
    der: tlv(
      Tag.context(1),
      smallInteger(3),
      explicit(0, tlv(Tag.context(1), originatorAlgorithms[algorithm], bitString(point))),
      explicit(1, octetString(userKeyingMaterial)),
      sequence(oid((isMontgomery ? hkdfAgreements : keyAgreements)[hash]), wrap.identifier),
      sequence(sequence(encodeKeyAgreeIdentifier(identifier), octetString(encryptedKey))),
    ),
  };
}

/** KeyAgreeRecipientIdentifier puts the key identifier into a SEQUENCE. */
function encodeKeyAgreeIdentifier(identifier: CertificateIdentifier): Uint8Array {
  if (identifier.type === 'issuerAndSerialNumber') return encodeCertificateIdentifier(identifier);
  return tlv(Tag.context(0), octetString(identifier.subjectKeyIdentifier));
}

const keyAgreements: Readonly<Record<KeyAgreementHash, string>> = {
  sha256: dhSinglePassStdDhSha256Kdf,
  sha384: dhSinglePassStdDhSha384Kdf,
  sha512: dhSinglePassStdDhSha512Kdf,
};

/** RFC 8418 section 2: HKDF, with the user keying material as salt. */
const hkdfAgreements: Readonly<Record<KeyAgreementHash, string>> = {
  sha256: dhSinglePassStdDhHkdfSha256,
  sha384: dhSinglePassStdDhHkdfSha384,
  sha512: dhSinglePassStdDhHkdfSha512,
};

// RFC 5753 section 7.1.2: the curve is the recipient's, so the parameters should be absent.
const originatorAlgorithms = {
  ec: sequence(oid(idEcPublicKey)),
  x25519: sequence(oid(idX25519)),
  x448: sequence(oid(idX448)),
} as const;

const makeEcKey = (namedCurve: NamedCurve) => generateKeyPairSync('ec', { namedCurve });
const makeMontgomeryKey = {
  x25519: () => generateKeyPairSync('x25519'),
  x448: () => generateKeyPairSync('x448'),
} as const;

/** The octets of a public key that is a point. */
function pointOf(publicKey: KeyObject): Uint8Array {
  const described = describePublicKey(publicKey.export({ format: 'der', type: 'spki' }));
  if (described.algorithm === 'rsa') throw new CmsError('unsupported', 'an RSA key has no point');
  return described.point;
}

/** The KDF of ANSI X9.63 (SEC 1 section 3.6.1). */
function deriveKey(hash: HashAlgorithm, secret: Uint8Array, sharedInfo: Uint8Array, octets: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  let length = 0;
  for (let counter = 1; length < octets; counter++) {
    const block = createHash(hash).update(secret).update(uint32(counter)).update(sharedInfo).digest();
    blocks.push(block);
    length += block.length;
  }
  return Buffer.concat(blocks).subarray(0, octets);
}

function uint32(value: number): Uint8Array {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

function encodeKeyEncryptionKey(
  { keyIdentifier, key }: Extract<Recipient, { type: 'keyEncryptionKey' }>,
  contentKey: Uint8Array,
): EncodedRecipientInfo {
  const keyWrap = keyWrapForLength(key.length);
  if (keyWrap === undefined) throw new CmsError('unsupported', 'a key-wrap key has 16, 24 or 32 octets');
  return {
    envelopeVersion: 2,
    der: tlv(
      Tag.context(2),
      smallInteger(4),
      sequence(octetString(keyIdentifier)),
      keyWraps[keyWrap].identifier,
      octetString(wrapKey(keyWrap, key, contentKey)),
    ),
  };
}
