/** SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 4055, RFC 5480, RFC 8410): what kind of key it is, and its import. */

import { createPublicKey, ECDH, hash, type JsonWebKey, type KeyObject } from 'node:crypto';
import { DerReader, Tag } from './der.js';
import { bitString, nullValue, oid, sequence } from './der-writer.js';
import {
  idEcPublicKey,
  idEd448,
  idEd25519,
  idRsassaPss,
  idX448,
  idX25519,
  rsaEncryption,
  secp256r1,
  secp384r1,
  secp521r1,
} from './oids.js';

/** Of keys that sign. */
export type KeyAlgorithm = 'rsa' | 'ec' | 'ed25519' | 'ed448';

/** Of keys that do nothing but agree on secrets (RFC 7748). */
export type AgreementAlgorithm = 'x25519' | 'x448';

export type NamedCurve = 'P-256' | 'P-384' | 'P-521';

export type PublicKeyDescription =
  | {
      readonly algorithm: 'rsa';
      /** Bit length of the modulus. */
      readonly bits: number;
      /** Big-endian, without leading zero octets. */
      readonly modulus: Uint8Array;
      /** Big-endian, without leading zero octets. */
      readonly exponent: Uint8Array;
      /** The key says id-RSASSA-PSS: it must not be used with PKCS #1 v1.5. */
      readonly pss?: true;
    }
  | {
      readonly algorithm: 'ec';
      readonly curve: NamedCurve;
      /** SEC 1 ECPoint, uncompressed or compressed. */
      readonly point: Uint8Array;
    }
  | { readonly algorithm: 'ed25519' | 'ed448' | AgreementAlgorithm; readonly point: Uint8Array };

/** A public key of an algorithm, curve, size or form that the gateway does not handle. */
export class UnsupportedKeyError extends Error {
  constructor(problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.name = 'UnsupportedKeyError';
  }
}

/**
 * Tells what kind of key this is, after checking its form and size. Whether an EC point is on its curve is found out
 * by importPublicKey.
 * @throws DerError when malformed, UnsupportedKeyError for what is not handled
 */
export function describePublicKey(spki: Uint8Array): PublicKeyDescription {
  return DerReader.decode(spki, (r) =>
    r.sequence((info) => {
      const { id, parameters } = info.sequence((a) => ({ id: a.oid(), parameters: a.more ? a.element() : undefined }));
      const key = info.bitString();
      if (id === idEcPublicKey) return describeEc(parameters, key);
      if (id === rsaEncryption && (parameters === undefined || isNull(parameters))) return describeRsa(key);
      if (id === idRsassaPss) return { ...describeRsa(key), pss: true };
      const curve = octetCurves.get(id);
      if (curve !== undefined) return describeOctets(curve, parameters, key);
      throw new UnsupportedKeyError(`public key algorithm ${id}`);
    }),
  );
}

/**
 * Imports a key for verifying and encrypting.
 * @throws DerError or UnsupportedKeyError; the latter also for a point that is not on its curve or is the identity
 */
export function importPublicKey(spki: Uint8Array): KeyObject {
  return importDescribedKey(spki, describePublicKey(spki));
}

/** Imports a key that describePublicKey has described. @throws UnsupportedKeyError as importPublicKey does */
export function importDescribedKey(spki: Uint8Array, key: PublicKeyDescription): KeyObject {
  try {
    // Import and first verification cost as JWK 41 µs (RSA-2048), 131 (Ed25519), 188 (P-256), as SPKI 181, 231, 225:
    // OpenSSL 3.0's decoders are slow. What JWK cannot say goes as SPKI.
    const jwk = jwkOf(key);
    if (jwk !== undefined) return createPublicKey({ key: jwk, format: 'jwk' });
    return createPublicKey({ key: bufferOf(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new UnsupportedKeyError(`not a valid ${key.algorithm} public key`, { cause });
  }
}

/**
 * SHA-256, lower-case hex, over the key's SubjectPublicKeyInfo in its usual form: an EC point uncompressed, an RSA key
 * as rsaEncryption with NULL. So a key that was seen or blocked before does not pass in another encoding.
 * @throws DerError or UnsupportedKeyError
 */
export function keyFingerprint(spki: Uint8Array): string {
  const known = fingerprints.get(spki);
  if (known !== undefined) return known;
  const fingerprint = hash('sha256', usualForm(spki, describePublicKey(spki)), 'hex');
  fingerprints.set(spki, fingerprint);
  return fingerprint;
}

/** Rules and records ask for the same request's fingerprint several times; nobody writes into a key that was read. */
const fingerprints = new WeakMap<Uint8Array, string>();

/** SHA-1 over the key's bits, 20 octets (RFC 5280 4.2.1.2 method 1). @throws DerError */
export function subjectKeyIdentifier(spki: Uint8Array): Uint8Array {
  return Uint8Array.from(hash('sha1', keyBits(spki), 'buffer'));
}

/** The key's bits: the content of the BIT STRING (RFC 5280 4.1.2.7), which OCSP hashes (RFC 6960 4.1.1). @throws DerError */
export function keyBits(spki: Uint8Array): Uint8Array {
  return DerReader.decode(spki, (r) =>
    r.sequence((info) => {
      info.element(Tag.sequence);
      return info.bitString();
    }),
  );
}

// What OpenSSL takes at most (OPENSSL_RSA_MAX_MODULUS_BITS); a larger number only costs time.
const maximumRsaBits = 16384;
// FIPS 186-5 5.1: below 2^256.
const maximumExponentOctets = 32;

const curves = new Map<string, { readonly curve: NamedCurve; readonly octets: number }>([
  [secp256r1, { curve: 'P-256', octets: 32 }],
  [secp384r1, { curve: 'P-384', octets: 48 }],
  [secp521r1, { curve: 'P-521', octets: 66 }],
]);

interface OctetCurve {
  readonly algorithm: 'ed25519' | 'ed448' | AgreementAlgorithm;
  readonly octets: number;
}

const octetCurves: ReadonlyMap<string, OctetCurve> = new Map<string, OctetCurve>([
  [idEd25519, { algorithm: 'ed25519', octets: 32 }],
  [idEd448, { algorithm: 'ed448', octets: 57 }],
  [idX25519, { algorithm: 'x25519', octets: 32 }],
  [idX448, { algorithm: 'x448', octets: 56 }],
]);

const jwkCurves = { ed25519: 'Ed25519', ed448: 'Ed448', x25519: 'X25519', x448: 'X448' } as const;

function describeRsa(key: Uint8Array): Extract<PublicKeyDescription, { algorithm: 'rsa' }> {
  const { modulus, exponent } = DerReader.decode(key, (r) =>
    r.sequence((k) => ({ modulus: k.unsignedInteger(), exponent: k.unsignedInteger() })),
  );
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits > maximumRsaBits) throw new UnsupportedKeyError(`RSA modulus of ${bits} bits`);
  if (((modulus[modulus.length - 1] ?? 0) & 1) === 0) throw new UnsupportedKeyError('RSA modulus even');
  if (exponent.length > maximumExponentOctets) throw new UnsupportedKeyError('RSA exponent too large');
  return { algorithm: 'rsa', bits, modulus, exponent };
}

function describeEc(parameters: Uint8Array | undefined, point: Uint8Array): PublicKeyDescription {
  // Explicit parameters and implicitCurve must not be used (RFC 5480 2.1.1).
  if (parameters?.[0] !== Tag.oid) throw new UnsupportedKeyError('EC key without named curve');
  const named = DerReader.decode(parameters, (r) => r.oid());
  const curve = curves.get(named);
  if (curve === undefined) throw new UnsupportedKeyError(`EC curve ${named}`);
  const isUncompressed = point[0] === 0x04 && point.length === 1 + 2 * curve.octets;
  const isCompressed = (point[0] === 0x02 || point[0] === 0x03) && point.length === 1 + curve.octets;
  // Left over are the identity (00), hybrid forms (06, 07), and points of another curve's size.
  if (!isUncompressed && !isCompressed) throw new UnsupportedKeyError('EC point of unknown form');
  return { algorithm: 'ec', curve: curve.curve, point };
}

/** RFC 8410 3: the curves whose points are octets without further form. */
function describeOctets(
  { algorithm, octets }: OctetCurve,
  parameters: Uint8Array | undefined,
  point: Uint8Array,
): PublicKeyDescription {
  if (parameters !== undefined) throw new UnsupportedKeyError(`${algorithm} key with parameters`);
  if (point.length !== octets) throw new UnsupportedKeyError(`${algorithm} key of ${point.length} octets`);
  return { algorithm, point };
}

/** Undefined for a key restricted to RSASSA-PSS and for a compressed point. */
function jwkOf(key: PublicKeyDescription): JsonWebKey | undefined {
  if (key.algorithm === 'rsa') {
    return key.pss ? undefined : { kty: 'RSA', n: base64url(key.modulus), e: base64url(key.exponent) };
  }
  if (key.algorithm !== 'ec') {
    return { kty: 'OKP', crv: jwkCurves[key.algorithm], x: base64url(key.point) };
  }
  if (key.point[0] !== 0x04) return undefined;
  const size = (key.point.length - 1) / 2;
  const x = base64url(key.point.subarray(1, 1 + size));
  return { kty: 'EC', crv: key.curve, x, y: base64url(key.point.subarray(1 + size)) };
}

function usualForm(spki: Uint8Array, key: PublicKeyDescription): Uint8Array {
  if (key.algorithm === 'rsa') {
    return sequence(rsaAlgorithm, bitString(keyBits(spki)));
  }
  if (key.algorithm !== 'ec' || key.point[0] === 0x04) return spki;
  try {
    const point = ECDH.convertKey(key.point, opensslCurve[key.curve], undefined, undefined, 'uncompressed');
    return sequence(ecAlgorithm[key.curve], bitString(typeof point === 'string' ? Buffer.from(point) : point));
  } catch (cause) {
    throw new UnsupportedKeyError('EC point not on its curve', { cause });
  }
}

const rsaAlgorithm = sequence(oid(rsaEncryption), nullValue);
const ecAlgorithm: Readonly<Record<NamedCurve, Uint8Array>> = {
  'P-256': sequence(oid(idEcPublicKey), oid(secp256r1)),
  'P-384': sequence(oid(idEcPublicKey), oid(secp384r1)),
  'P-521': sequence(oid(idEcPublicKey), oid(secp521r1)),
};
const opensslCurve = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' } as const;

function isNull(der: Uint8Array): boolean {
  return der.length === 2 && der[0] === Tag.null && der[1] === 0;
}

function base64url(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64url');
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
