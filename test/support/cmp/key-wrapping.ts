/** What sealing and opening of EnvelopedData have in common: key agreement (RFC 5753, RFC 8418) and AES key wrap. */
import { createCipheriv, createDecipheriv, createPublicKey, hash, hkdfSync, type KeyObject } from 'node:crypto';
import { fromBER } from 'asn1js';
import { bitString, explicit, octetString, sequence } from '../../../src/x509/der-writer.js';
import { originalOf, partsOf } from '../asn1-values.js';

export const wraps = {
  'id-aes128-wrap': { id: '2.16.840.1.101.3.4.1.5', keyLength: 16 },
  'id-aes192-wrap': { id: '2.16.840.1.101.3.4.1.25', keyLength: 24 },
  'id-aes256-wrap': { id: '2.16.840.1.101.3.4.1.45', keyLength: 32 },
} as const;
export type Wrap = keyof typeof wraps;

/** Single-pass ECDH with an X9.63 derivation, cofactor 1 on all our curves, or for X25519 and X448 with HKDF. */
export const agreements = {
  'x963-sha224': '1.3.132.1.11.0',
  'x963-sha256': '1.3.132.1.11.1',
  'x963-sha384': '1.3.132.1.11.2',
  'x963-sha512': '1.3.132.1.11.3',
  'hkdf-sha256': '1.2.840.113549.1.9.16.3.19',
  'hkdf-sha384': '1.2.840.113549.1.9.16.3.20',
  'hkdf-sha512': '1.2.840.113549.1.9.16.3.21',
} as const;
export type Agreement = keyof typeof agreements;

export const cofactorAgreements = {
  'x963-sha224': '1.3.132.1.14.0',
  'x963-sha256': '1.3.132.1.14.1',
  'x963-sha384': '1.3.132.1.14.2',
  'x963-sha512': '1.3.132.1.14.3',
} as const satisfies Partial<Record<Agreement, string>>;

/** The key-encryption key, by ECC-CMS-SharedInfo (RFC 5753 7.2). @param wrapAlgorithm DER AlgorithmIdentifier */
export function agreedKey(
  agreement: Agreement,
  wrap: Wrap,
  wrapAlgorithm: Uint8Array,
  secret: Uint8Array,
  ukm?: Uint8Array,
): Buffer {
  const { keyLength } = wraps[wrap];
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(keyLength * 8);
  const userInfo = ukm && explicit(0, octetString(ukm));
  const sharedInfo = sequence(wrapAlgorithm, userInfo, explicit(2, octetString(bits)));
  const [derivation, digest = ''] = agreement.split('-');
  // The salt of HKDF is the ukm, or none (RFC 8418 2.2).
  if (derivation === 'hkdf')
    return Buffer.from(hkdfSync(digest, secret, ukm ?? Buffer.alloc(0), sharedInfo, keyLength));
  const derived = hash(digest, Buffer.concat([secret, Uint8Array.of(0, 0, 0, 1), sharedInfo]), 'buffer');
  if (derived.length < keyLength) throw new Error(`${digest} for a key of ${keyLength} octets`);
  return derived.subarray(0, keyLength);
}

/** A public key from its BIT STRING's octets, on the curve of another. */
export function publicKeyLike(other: KeyObject, point: Uint8Array): KeyObject {
  const spki = createPublicKey(other.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'spki', format: 'der' });
  const [algorithm] = partsOf(fromBER(spki).result);
  if (algorithm === undefined) throw new Error('a key without algorithm');
  const key = Buffer.from(sequence(originalOf(algorithm), bitString(point)));
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/** RFC 3394 */
export function wrapKey(wrap: Wrap, kek: Uint8Array, key: Uint8Array): Buffer {
  const wrapping = createCipheriv(wrap, kek, initialValue);
  return Buffer.concat([wrapping.update(key), wrapping.final()]);
}

/** @throws Error when the key is another one */
export function unwrapKey(wrap: Wrap, kek: Uint8Array, wrapped: Uint8Array): Buffer {
  const unwrapping = createDecipheriv(wrap, kek, initialValue);
  return Buffer.concat([unwrapping.update(wrapped), unwrapping.final()]);
}

const initialValue = Buffer.alloc(8, 0xa6);
