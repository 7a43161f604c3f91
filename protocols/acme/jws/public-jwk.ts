/** Public keys as JSON (RFC 7517, RFC 7518 6, RFC 8037 2), each in one form only: a key has one thumbprint. */
import { hash } from 'node:crypto';
import { findRsaWeakness, isWeakEdwardsPoint, isWeakExponent } from '../../../src/x509/weak-keys.js';
import type { PublicJwk } from '../context.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { AcmeError } from '../problem.js';
import { decodeBase64url } from './base64url.js';

/**
 * Takes what the thumbprint is made of and nothing else. Whether a point is on its curve shows when it verifies.
 * @param subject what a sentence calls it
 * @throws AcmeError `malformed` for what is no JWK, `badPublicKey`
 */
export function readPublicJwk(value: unknown, subject: string): PublicJwk {
  if (!isJsonObject(value) || typeof value.kty !== 'string') {
    throw new AcmeError('malformed', `${subject} must be a JWK: a JSON object with "kty"`);
  }
  const secret = secretMembers.find((name) => name in value);
  if (secret !== undefined) {
    throw new AcmeError('badPublicKey', `${subject} has "${secret}", which nobody else may know: use a new key pair`);
  }
  switch (value.kty) {
    case 'EC':
      return readEcKey(value, subject);
    case 'OKP':
      return readOctetKey(value, subject);
    case 'RSA':
      return readRsaKey(value, subject);
    default:
      throw new AcmeError('badPublicKey', `${subject} must be of type EC, OKP or RSA`);
  }
}

/** RFC 7638, base64url. */
export function thumbprintOf(jwk: PublicJwk): string {
  return hash('sha256', canonical(jwk), 'base64url');
}

/** For a key that is to be an account's. @throws AcmeError `badPublicKey` for an RSA key that was made badly */
export function requireSoundKey(jwk: PublicJwk): void {
  if (jwk.kty !== 'RSA') return;
  const weakness = findRsaWeakness(Buffer.from(jwk.n, 'base64url'), Buffer.from(jwk.e, 'base64url'));
  if (weakness === undefined) return;
  throw new AcmeError('badPublicKey', `the RSA key is weak (${weakness}): make another one with other software`);
}

/** RFC 7518 6.2.2, 6.3.2, 6.4.1. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const ecOctets: ReadonlyMap<string, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
]);
const minimumRsaBits = 2048;
const maximumRsaBits = 8192;
// OpenSSL takes no more beside a large modulus: the exponent is what verifying costs.
const maximumExponentOctets = 8;

function readEcKey(value: JsonObject, subject: string): PublicJwk {
  const crv = String(value.crv);
  const octets = ecOctets.get(crv);
  if (octets === undefined) {
    throw new AcmeError('badPublicKey', `the curve of ${subject} must be one of ${[...ecOctets.keys()].join(', ')}`);
  }
  const coordinate = (name: 'x' | 'y') => fixedLength(value, name, octets, subject);
  return { kty: 'EC', crv, x: coordinate('x'), y: coordinate('y') };
}

function readOctetKey(value: JsonObject, subject: string): PublicJwk {
  if (value.crv !== 'Ed25519') throw new AcmeError('badPublicKey', `the curve of ${subject} must be Ed25519`);
  const x = fixedLength(value, 'x', 32, subject);
  if (isWeakEdwardsPoint('ed25519', Buffer.from(x, 'base64url'))) {
    throw new AcmeError('badPublicKey', `anybody can sign for ${subject}: use a new key pair`);
  }
  return { kty: 'OKP', crv: value.crv, x };
}

function readRsaKey(value: JsonObject, subject: string): PublicJwk {
  const [modulus, exponent] = [octetsOf(value, 'n', subject), octetsOf(value, 'e', subject)];
  // RFC 7518 2 (Base64urlUInt): no leading zero, or one key would have many thumbprints.
  if (modulus[0] === 0 || exponent[0] === 0) {
    throw new AcmeError('badPublicKey', `a number of ${subject} has leading zero octets`);
  }
  const bits = 8 * modulus.length - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < minimumRsaBits || bits > maximumRsaBits) {
    const range = `between ${minimumRsaBits} and ${maximumRsaBits}`;
    throw new AcmeError('badPublicKey', `${subject} is an RSA key of ${bits} bits; it must have ${range}`);
  }
  if (((modulus.at(-1) ?? 0) & 1) === 0) throw new AcmeError('badPublicKey', `the RSA modulus of ${subject} is even`);
  if (exponent.length > maximumExponentOctets || isWeakExponent(exponent)) {
    throw new AcmeError('badPublicKey', `the RSA exponent of ${subject} is even, below 65537 or above 64 bits`);
  }
  return { kty: 'RSA', e: exponent.toString('base64url'), n: modulus.toString('base64url') };
}

function fixedLength(value: JsonObject, name: string, octets: number, subject: string): string {
  const decoded = octetsOf(value, name, subject);
  if (decoded.length !== octets) {
    throw new AcmeError('badPublicKey', `"${name}" of ${subject} must have ${octets} octets (RFC 7518 6.2.1)`);
  }
  return decoded.toString('base64url');
}

function octetsOf(value: JsonObject, name: string, subject: string): Buffer {
  const text = value[name];
  const octets = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (octets === undefined || octets.length === 0) {
    throw new AcmeError('badPublicKey', `"${name}" of ${subject} must be a number in base64url without padding`);
  }
  return octets;
}

/** RFC 7638 3.2, 3.3: the members in the order of their names. All values are base64url or names of curves. */
function canonical(jwk: PublicJwk): string {
  switch (jwk.kty) {
    case 'EC':
      return JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y });
    case 'OKP':
      return JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x });
    case 'RSA':
      return JSON.stringify({ e: jwk.e, kty: jwk.kty, n: jwk.n });
  }
}
