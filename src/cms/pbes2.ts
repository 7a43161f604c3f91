/** RFC 8018 section 6.2: PBES2, encryption under a password: PBKDF2 with HMAC-SHA-256, and AES-256 in CBC mode. */

import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { nullValue, octetString, oid, sequence, smallInteger } from '../x509/der-writer.js';
import { hmacWithSha256, idAes256Cbc, idPbkdf2 } from './oids.js';

/** What a password and a salt of its own give. */
export interface PasswordKey {
  /** DER AlgorithmIdentifier of PBKDF2: how the key comes from the password. */
  readonly derivation: Uint8Array;
  /** AES-256. */
  readonly key: Uint8Array;
}

/**
 * Whether every reader takes the password for the same octets: it is not empty, has no NUL, where C ends a text, no
 * half of a surrogate pair, which has no UTF-8, and fits OpenSSL's buffer of 1023 octets. Whether it can be guessed is
 * for the caller to judge.
 */
export function isUsablePassword(password: string): boolean {
  if (password === '' || password.length > maximumOctets || password.includes('\0')) return false;
  return !loneSurrogate.test(password) && Buffer.byteLength(password, 'utf8') <= maximumOctets;
}

/**
 * Derives a key from a password (as UTF-8) and a new random salt, on the thread pool.
 * @throws RangeError for a password that is not usable
 */
export async function derivePasswordKey(password: string, iterations: number): Promise<PasswordKey> {
  if (!isUsablePassword(password)) throw new RangeError('not every reader would understand the password alike');
  const salt = randomBytes(saltLength);
  const key = await derive(password, salt, iterations, keyLength, 'sha256');
  const parameters = [octetString(salt), smallInteger(iterations), smallInteger(keyLength), pseudoRandomFunction];
  return { derivation: sequence(oid(idPbkdf2), sequence(...parameters)), key };
}

/** Encrypts with a new random initialization vector, so that one key may encrypt more than once. */
export function encryptByPassword(
  { derivation, key }: PasswordKey,
  plaintext: Uint8Array,
): { /** DER AlgorithmIdentifier. */ algorithm: Uint8Array; encrypted: Uint8Array } {
  const initializationVector = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, initializationVector);
  const encrypted = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const scheme = sequence(oid(idAes256Cbc), octetString(initializationVector));
  return { algorithm: sequence(oid(idPbes2), sequence(derivation, scheme)), encrypted };
}

const derive = promisify(pbkdf2);
const idPbes2 = '1.2.840.113549.1.5.13';
const saltLength = 16;
const keyLength = 32;
const maximumOctets = 1023;
const loneSurrogate = /\p{Surrogate}/u;
// Written out because the default is HMAC with SHA-1 (RFC 8018 A.2).
const pseudoRandomFunction = sequence(oid(hmacWithSha256), nullValue);
