/** RFC 5652 section 6.2.4: PasswordRecipientInfo, which gives a content-encryption key to who knows a password. */

import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Tag } from '../x509/der.js';
import { nullValue, octetString, oid, sequence, smallInteger, tlv } from '../x509/der-writer.js';
import { hmacWithSha256, idAes256Cbc, idAlgPwriKek, idPbkdf2 } from './oids.js';

export interface PasswordRecipient {
  readonly type: 'password';
  readonly salt: Uint8Array;
  /** Derived from the password and the salt: AES-256. */
  readonly keyEncryptionKey: Uint8Array;
}

/** Derives a recipient's key from a password (as UTF-8); on the thread pool, for it takes some 30 ms. */
export async function createPasswordRecipient(password: string): Promise<PasswordRecipient> {
  const salt = randomBytes(16);
  const keyEncryptionKey = await deriveKey(password, salt, iterations, keyLength, 'sha256');
  return { type: 'password', salt, keyEncryptionKey };
}

/** Encodes the RecipientInfo that gives `contentKey`, of less than 256 octets, to the recipient. */
export function encodePasswordRecipientInfo(
  { salt, keyEncryptionKey }: PasswordRecipient,
  contentKey: Uint8Array,
): Uint8Array {
  const initializationVector = randomBytes(blockLength);
  return tlv(
    Tag.context(3),
    smallInteger(0),
    tlv(Tag.context(0), oid(idPbkdf2), sequence(octetString(salt), smallInteger(iterations), pseudoRandomFunction)),
    sequence(oid(idAlgPwriKek), sequence(oid(idAes256Cbc), octetString(initializationVector))),
    octetString(wrapKey(contentKey, keyEncryptionKey, initializationVector)),
  );
}

const deriveKey = promisify(pbkdf2);
const iterations = 100_000;
const keyLength = 32;
const blockLength = 16;
// Written out because the default is HMAC with SHA-1 (RFC 8018 A.2).
const pseudoRandomFunction = sequence(oid(hmacWithSha256), nullValue);

/** RFC 3211 section 2.3.1: the length, three octets to check the password by, the key, at least two blocks in all. */
function wrapKey(key: Uint8Array, keyEncryptionKey: Uint8Array, initializationVector: Uint8Array): Uint8Array {
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
