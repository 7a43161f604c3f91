/** RFC 5652 section 6.2.4: PasswordRecipientInfo, which gives a content-encryption key to who knows a password. */

import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Tag } from '../x509/der.js';
import { nullValue, octetString, oid, sequence, smallInteger, tlv } from '../x509/der-writer.js';
import { keyWraps, wrapKey } from './key-wrap.js';
import { hmacWithSha256, idAes256Cbc, idAlgPwriKek, idPbkdf2 } from './oids.js';

/**
 * What encrypts the content-encryption key: the key wrap made for passwords (RFC 3211), which is all that OpenSSL knows,
 * or that of AES (RFC 3394), which is all that CMP allows (RFC 9481 4.3).
 */
export type PasswordKeyEncryption = 'pwri-kek' | 'aes256-wrap';

export interface PasswordRecipient {
  readonly type: 'password';
  readonly keyEncryption: PasswordKeyEncryption;
  readonly salt: Uint8Array;
  /** Derived from the password and the salt: AES-256. */
  readonly keyEncryptionKey: Uint8Array;
}

/** Derives a recipient's key from a password (text as UTF-8); on the thread pool, for it takes some 30 ms. */
export async function createPasswordRecipient(
  password: string | Uint8Array,
  keyEncryption: PasswordKeyEncryption = 'pwri-kek',
): Promise<PasswordRecipient> {
  const salt = randomBytes(16);
  const keyEncryptionKey = await deriveKey(password, salt, iterations, keyLength, 'sha256');
  return { type: 'password', keyEncryption, salt, keyEncryptionKey };
}

/** Encodes the RecipientInfo that gives `contentKey`, of less than 256 octets, to the recipient. */
export function encodePasswordRecipientInfo(recipient: PasswordRecipient, contentKey: Uint8Array): Uint8Array {
  const { algorithm, encryptedKey } = encryptKey(recipient, contentKey);
  return tlv(
    Tag.context(3),
    smallInteger(0),
    tlv(
      Tag.context(0),
      oid(idPbkdf2),
      sequence(octetString(recipient.salt), smallInteger(iterations), smallInteger(keyLength), pseudoRandomFunction),
    ),
    algorithm,
    octetString(encryptedKey),
  );
}

const deriveKey = promisify(pbkdf2);
const iterations = 100_000;
const keyLength = 32;
const blockLength = 16;
// Written out because the default is HMAC with SHA-1 (RFC 8018 A.2).
const pseudoRandomFunction = sequence(oid(hmacWithSha256), nullValue);

function encryptKey(
  { keyEncryption, keyEncryptionKey }: PasswordRecipient,
  key: Uint8Array,
): { /** DER AlgorithmIdentifier. */ algorithm: Uint8Array; encryptedKey: Uint8Array } {
  if (keyEncryption === 'aes256-wrap') {
    const { identifier } = keyWraps['aes256-wrap'];
    return { algorithm: identifier, encryptedKey: wrapKey('aes256-wrap', keyEncryptionKey, key) };
  }
  const initializationVector = randomBytes(blockLength);
  return {
    algorithm: sequence(oid(idAlgPwriKek), sequence(oid(idAes256Cbc), octetString(initializationVector))),
    encryptedKey: encryptTwice(key, keyEncryptionKey, initializationVector),
  };
}

/** RFC 3211 section 2.3.1: the length, three octets to check the password by, the key, at least two blocks in all. */
function encryptTwice(key: Uint8Array, keyEncryptionKey: Uint8Array, initializationVector: Uint8Array): Uint8Array {
  const block = randomBytes(Math.max(2, Math.ceil((4 + key.length) / blockLength)) * blockLength);
  block[0] = key.length;
  for (let i = 0; i < 3; i++) block[1 + i] = ~(key[i] ?? 0);
  block.set(key, 4);
  const cipher = createCipheriv('aes-256-cbc', keyEncryptionKey, initializationVector).setAutoPadding(false);
  // Twice, the second time chained to the first, so that every octet depends on all others.
  const wrapped = cipher.update(cipher.update(block));
  cipher.final();
  return wrapped;
}
