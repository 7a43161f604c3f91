/** AlgorithmIdentifiers of the MACs of RFC 9481 6, and keys made from the RFCs' words with nothing of the product's. */
import { createHash } from 'node:crypto';
import * as w from '../../../../src/x509/der-writer.js';

export const digests = [
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'sha3-224',
  'sha3-256',
  'sha3-384',
  'sha3-512',
] as const;
export type Digest = (typeof digests)[number];

const defaultSalt = Buffer.from('some salt');
const nist = '2.16.840.1.101.3.4';

export function digestIdentifier(digest: Digest, parameters?: Uint8Array): Uint8Array {
  const last = [4, 1, 2, 3, 7, 8, 9, 10][digests.indexOf(digest) - 1];
  return w.sequence(w.oid(digest === 'sha1' ? '1.3.14.3.2.26' : `${nist}.2.${last}`), parameters);
}

export function hmacIdentifier(digest: Digest, parameters?: Uint8Array): Uint8Array {
  const i = digests.indexOf(digest);
  return w.sequence(w.oid(i < 5 ? `1.2.840.113549.2.${7 + i}` : `${nist}.2.${8 + i}`), parameters);
}

export function kmacIdentifier(strength: 128 | 256, parameters?: Uint8Array): Uint8Array {
  return w.sequence(w.oid(`${nist}.2.${strength === 128 ? 19 : 20}`), parameters);
}

export function gmacIdentifier(bits: 128 | 192 | 256, nonce: Uint8Array, length?: number): Uint8Array {
  const last = { 128: 9, 192: 29, 256: 49 }[bits];
  const size = length === undefined ? undefined : w.smallInteger(length);
  return w.sequence(w.oid(`${nist}.1.${last}`), w.sequence(w.octetString(nonce), size));
}

export function pbmIdentifier(
  oneWay: Uint8Array,
  mac: Uint8Array,
  { salt = defaultSalt, iterations = w.smallInteger(1000) }: { salt?: Uint8Array; iterations?: Uint8Array } = {},
): Uint8Array {
  return w.sequence(w.oid('1.2.840.113533.7.66.13'), w.sequence(w.octetString(salt), oneWay, iterations, mac));
}

export function pbmac1Identifier(
  mac: Uint8Array,
  {
    prf,
    keyLength,
    salt = defaultSalt,
    iterations = 1000,
  }: { prf?: Uint8Array; keyLength?: number; salt?: Uint8Array; iterations?: number } = {},
): Uint8Array {
  const length = keyLength === undefined ? undefined : w.smallInteger(keyLength);
  const parameters = w.sequence(w.octetString(salt), w.smallInteger(iterations), length, prf);
  const derivation = w.sequence(w.oid('1.2.840.113549.1.5.12'), parameters);
  return w.sequence(w.oid('1.2.840.113549.1.5.14'), w.sequence(derivation, mac));
}

/** BASEKEY of RFC 9810 5.1.3.1. */
export function baseKey(digest: Digest, secret: Uint8Array, salt: Uint8Array, iterations: number): Buffer {
  let key = Buffer.concat([secret, salt]);
  for (let i = 0; i < iterations; i++) key = createHash(digest).update(key).digest();
  return key;
}
