/** Opens content-encryption keys that were encrypted to an RSA key, and tells nobody whether it could. */
import { constants, type KeyObject, privateDecrypt, randomBytes } from 'node:crypto';
import { type KeyTransport, oaepHashes } from '../x509/key-transport.js';
import type { Decrypter } from './signer.js';

/**
 * The function that opens keys with this RSA private key. It works at once, not on the thread pool, where Node has no
 * private decryption.
 */
export function createKeyOpener(privateKey: KeyObject): Decrypter['openKey'] {
  const modulusLength = Math.ceil((privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  return async (transport, encryptedKey, length) => {
    // Made whether needed or not, so that the time is the same.
    const substitute = randomBytes(length);
    const isTooLong = length > modulusLength - pkcs1Overhead;
    // Open to all who see the message.
    if (encryptedKey.length !== modulusLength || isTooLong) return substitute;
    const decrypted = decrypt(privateKey, transport, encryptedKey);
    if (decrypted === undefined) return substitute;
    if (transport === 'rsa-pkcs1') return unpad(decrypted, substitute);
    return decrypted.length === length ? decrypted : substitute;
  };
}

// RFC 8017 section 7.2.2: 0, 2, at least eight octets that are not 0, and 0.
const pkcs1Overhead = 11;

/** Undefined for OAEP that does not open, and for a number that is not below the modulus. */
function decrypt(key: KeyObject, transport: KeyTransport, encryptedKey: Uint8Array): Uint8Array | undefined {
  const oaepHash = oaepHashes[transport];
  try {
    // PKCS #1 v1.5 is undone here: OpenSSL 3.0 would tell by an error what is wrong, and Node 20 refuses it for that.
    return oaepHash === undefined
      ? privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encryptedKey)
      : privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, encryptedKey);
  } catch {
    return undefined;
  }
}

/**
 * The end of a block whose padding leaves a key of just the substitute's length, or else the substitute. No branch and
 * no index depends on the block (RFC 3218 section 2.3.2; Bleichenbacher's attack). Wipes the block.
 */
function unpad(block: Uint8Array, substitute: Uint8Array): Uint8Array {
  const keyAt = block.length - substitute.length;
  let wrong = (block[0] ?? 0) | ((block[1] ?? 0) ^ 2) | (block[keyAt - 1] ?? 0);
  for (let i = 2; i < keyAt - 1; i++) wrong |= ((block[i] ?? 0) - 1) >>> 31;
  const useSubstitute = -wrong >> 31;
  const key = new Uint8Array(substitute.length);
  for (let i = 0; i < key.length; i++) {
    key[i] = ((block[keyAt + i] ?? 0) & ~useSubstitute) | ((substitute[i] ?? 0) & useSubstitute);
  }
  block.fill(0);
  return key;
}
