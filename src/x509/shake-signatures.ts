/** Signatures with SHAKE (RFC 8692, RFC 8702 3.2), which OpenSSL does not make: built on its RSA, and on @noble/curves. */

import { constants, createHash, type KeyObject, privateEncrypt, publicDecrypt, randomBytes } from 'node:crypto';
import type { ECDSA } from '@noble/curves/abstract/weierstrass.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import type { Shake } from '../model/message-protection.js';

/** Octets of the digest, and of the salt of RSASSA-PSS. */
export const shakeLengths: Readonly<Record<Shake, number>> = { shake128: 32, shake256: 64 };

/** RSASSA-PSS-VERIFY (RFC 8017 8.1.2), where the mask is the SHAKE's own output. @throws Error for some malformed signatures */
export function verifyShakePss(shake: Shake, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const bits = modulusBits(key);
  if (signature.length !== Math.ceil(bits / 8)) return false;
  const block = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  const length = Math.ceil((bits - 1) / 8);
  // A modulus of 8k+1 bits has one octet more than the encoded message.
  if (block.subarray(0, block.length - length).some((octet) => octet !== 0)) return false;
  const message = block.subarray(block.length - length);
  const size = shakeLengths[shake];
  const maskedLength = length - size - 1;
  const paddingLength = maskedLength - size - 1;
  if (paddingLength < 0 || message[length - 1] !== 0xbc) return false;
  const inUse = leadingBits(bits);
  if (((message[0] ?? 0) & ~inUse) !== 0) return false;
  const digest = message.subarray(maskedLength, length - 1);
  const dataBlock = masked(message.subarray(0, maskedLength), digest, shake);
  dataBlock[0] = (dataBlock[0] ?? 0) & inUse;
  if (dataBlock.subarray(0, paddingLength).some((octet) => octet !== 0) || dataBlock[paddingLength] !== 1) return false;
  return saltedDigest(shake, data, dataBlock.subarray(paddingLength + 1)).equals(digest);
}

/** RSASSA-PSS-SIGN (RFC 8017 8.1.1). On the event loop: node:crypto does this RSA operation nowhere else. */
export function signShakePss(shake: Shake, privateKey: KeyObject, data: Uint8Array): Uint8Array {
  const bits = modulusBits(privateKey);
  const length = Math.ceil((bits - 1) / 8);
  const size = shakeLengths[shake];
  const maskedLength = length - size - 1;
  if (maskedLength < size + 1) throw new RangeError(`an RSA key of ${bits} bits is too short for ${shake}`);
  const salt = randomBytes(size);
  const digest = saltedDigest(shake, data, salt);
  const dataBlock = Buffer.concat([Buffer.alloc(maskedLength - size - 1), Buffer.of(1), salt]);
  const mask = masked(dataBlock, digest, shake);
  mask[0] = (mask[0] ?? 0) & leadingBits(bits);
  const lead = Buffer.alloc(Math.ceil(bits / 8) - length);
  const block = Buffer.concat([lead, mask, digest, Buffer.of(0xbc)]);
  return Uint8Array.from(privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block));
}

/** Verifies a DER ECDSA-Sig-Value. @throws Error for some malformed signatures */
export function verifyShakeEcdsa(shake: Shake, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(0x04), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return curveOf(key).verify(signature, shakeDigest(shake, data), point, ecdsaOptions);
}

/** Makes a DER ECDSA-Sig-Value. The private scalar is in JavaScript's memory while it does. */
export function signShakeEcdsa(shake: Shake, privateKey: KeyObject, data: Uint8Array): Uint8Array {
  const scalar = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  try {
    return curveOf(privateKey).sign(shakeDigest(shake, data), scalar, { ...ecdsaOptions, extraEntropy: true });
  } finally {
    scalar.fill(0);
  }
}

// The digest is made here, and OpenSSL, like most, does not care which of the two values of s it makes or takes.
const ecdsaOptions = { prehash: false, lowS: false, format: 'der' } as const;

const curves: ReadonlyMap<string | undefined, ECDSA> = new Map([
  ['prime256v1', p256],
  ['secp384r1', p384],
  ['secp521r1', p521],
]);

function curveOf(key: KeyObject): ECDSA {
  const curve = curves.get(key.asymmetricKeyDetails?.namedCurve);
  if (curve === undefined) throw new RangeError('no key on a curve that is known');
  return curve;
}

function shakeDigest(shake: Shake, ...parts: Uint8Array[]): Buffer {
  return shakeOutput(shake, shakeLengths[shake], ...parts);
}

function shakeOutput(shake: Shake, outputLength: number, ...parts: Uint8Array[]): Buffer {
  const hash = createHash(shake, { outputLength });
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** H of EMSA-PSS (RFC 8017 9.1): over eight zero octets, the digest and the salt. */
function saltedDigest(shake: Shake, data: Uint8Array, salt: Uint8Array): Buffer {
  return shakeDigest(shake, new Uint8Array(8), shakeDigest(shake, data), salt);
}

/** RFC 8702 3.2.1: not MGF1, the seed goes into the SHAKE and as many octets come out as are needed. */
function masked(block: Uint8Array, seed: Uint8Array, shake: Shake): Buffer {
  const mask = shakeOutput(shake, block.length, seed);
  for (const [i, octet] of block.entries()) mask[i] = (mask[i] ?? 0) ^ octet;
  return mask;
}

/** The bits of the first octet of an encoded message that are in use. */
function leadingBits(modulus: number): number {
  return 0xff >> (8 * Math.ceil((modulus - 1) / 8) - (modulus - 1));
}

function modulusBits(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0;
}
