/** RFC 5958 section 3: EncryptedPrivateKeyInfo, a private key under a password. */

import { octetString, sequence } from '../x509/der-writer.js';
import { derivePasswordKey, encryptByPassword, type PasswordKey } from './pbes2.js';

/**
 * Encrypts a private key (DER PrivateKeyInfo) under a password. Returns DER; it takes a quarter of a second of the
 * thread pool, so that the caller bounds how many run at once.
 * @throws RangeError for a password that `isUsablePassword` refuses
 */
export async function encryptPrivateKey(pkcs8: Uint8Array, password: string): Promise<Uint8Array> {
  return encodeEncryptedPrivateKey(await deriveKeyForPrivateKeys(password), pkcs8);
}

/**
 * Derives what encrypts private keys under a password, as slow as `encryptPrivateKey` for one: many of one owner can share it.
 * @throws RangeError for a password that `isUsablePassword` refuses
 */
export function deriveKeyForPrivateKeys(password: string): Promise<PasswordKey> {
  return derivePasswordKey(password, iterations);
}

/** Encodes the DER of a private key (DER PrivateKeyInfo), encrypted with a key that is derived already. */
export function encodeEncryptedPrivateKey(key: PasswordKey, pkcs8: Uint8Array): Uint8Array {
  const { algorithm, encrypted } = encryptByPassword(key, pkcs8);
  return sequence(algorithm, octetString(encrypted));
}

// OWASP's number for PBKDF2 with HMAC-SHA-256; NIST SP 800-132 5.2 asks for as many as the user can bear to wait for.
const iterations = 600_000;
