/** The content ciphers of EnvelopedData: AES (RFC 3565 section 4.1), 3DES (RFC 3370 section 5.1) and DES in CBC mode. */

import { type Cipher, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DerReader } from '../x509/der.js';
import { octetString, oid, sequence } from '../x509/der-writer.js';
import { CmsError } from './cms-error.js';
import { desCbc, desEde3Cbc, idAes128Cbc, idAes192Cbc, idAes256Cbc } from './oids.js';

/** Which of them to accept is for the caller to say: single DES protects nothing. */
export type ContentEncryption = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc' | 'des-cbc';

export const contentEncryptionByOid: ReadonlyMap<string, ContentEncryption> = new Map([
  [idAes128Cbc, 'aes-128-cbc'],
  [idAes192Cbc, 'aes-192-cbc'],
  [idAes256Cbc, 'aes-256-cbc'],
  [desEde3Cbc, 'des-ede3-cbc'],
  [desCbc, 'des-cbc'],
]);

/** Octets of the content-encryption key. */
export const contentKeyLengths: Readonly<Record<ContentEncryption, number>> = {
  'aes-128-cbc': 16,
  'aes-192-cbc': 24,
  'aes-256-cbc': 32,
  'des-ede3-cbc': 24,
  'des-cbc': 8,
};

/** Encrypts with a new random key and initialization vector. */
export function encryptContent(
  encryption: ContentEncryption,
  content: Uint8Array,
): { /** DER AlgorithmIdentifier. */ algorithm: Uint8Array; encrypted: Uint8Array; key: Uint8Array } {
  const { algorithm, key, cipher } = startEncryption(encryption);
  return { algorithm, encrypted: Buffer.concat([cipher.update(content), cipher.final()]), key };
}

/** Begins to encrypt, with a new random key and initialization vector, what comes piece by piece. */
export function startEncryption(encryption: ContentEncryption): {
  /** DER AlgorithmIdentifier. */
  algorithm: Uint8Array;
  key: Uint8Array;
  cipher: Cipher;
} {
  const { id, name, blockLength } = ciphers[encryption];
  const key = randomBytes(contentKeyLengths[encryption]);
  if (blockLength === 8) setOddParity(key);
  const initializationVector = randomBytes(blockLength);
  const cipher = createCipheriv(name, cipherKey(encryption, key), initializationVector);
  return { algorithm: sequence(oid(id), octetString(initializationVector)), key, cipher };
}

/** Encrypted content with all that its decryption needs beside the key. */
export interface EncryptedContent {
  readonly encryption: ContentEncryption;
  readonly initializationVector: Uint8Array;
  readonly encrypted: Uint8Array;
}

/**
 * Checks what everybody can see of encrypted content.
 * @param algorithm DER AlgorithmIdentifier
 * @throws CmsError (unsupported: cipher; malformed: initialization vector, length), DerError
 */
export function readEncryptedContent(algorithm: Uint8Array, encrypted: Uint8Array): EncryptedContent {
  const { id, parameters } = DerReader.decode(algorithm, (reader) =>
    reader.sequence((a) => ({ id: a.oid(), parameters: a.more ? a.element() : undefined })),
  );
  const encryption = contentEncryptionByOid.get(id);
  if (encryption === undefined) throw new CmsError('unsupported', 'the content encryption is not supported');
  if (parameters === undefined) throw new CmsError('malformed', 'the initialization vector is missing');
  const initializationVector = DerReader.decode(parameters, (reader) => reader.octetString());
  const { blockLength } = ciphers[encryption];
  if (initializationVector.length !== blockLength) {
    throw new CmsError('malformed', 'the initialization vector has a wrong length');
  }
  if (encrypted.length === 0 || encrypted.length % blockLength !== 0) {
    throw new CmsError('malformed', 'the encrypted content is not a whole number of blocks');
  }
  return { encryption, initializationVector, encrypted };
}

/**
 * Decrypts with a key of the cipher's length. Wrong padding is no error, and takes no other path than right padding:
 * what was decrypted comes back whole, to fail with the reader of the content as any other garbage does. CBC says
 * nothing about who encrypted, so that a visible difference would let an attacker, who sends changed copies of
 * another's message, read its content octet by octet.
 */
export function decryptContent(content: EncryptedContent, key: Uint8Array): Uint8Array {
  const { encryption, initializationVector, encrypted } = content;
  const { name, blockLength } = ciphers[encryption];
  const decipher = createDecipheriv(name, cipherKey(encryption, key), initializationVector).setAutoPadding(false);
  const padded = decipher.update(encrypted);
  decipher.final();
  return padded.subarray(0, padded.length - paddingLength(padded, blockLength));
}

const ciphers: Readonly<
  Record<
    ContentEncryption,
    { readonly id: string /** As node:crypto knows it. */; readonly name: string; readonly blockLength: number }
  >
> = {
  'aes-128-cbc': { id: idAes128Cbc, name: 'aes-128-cbc', blockLength: 16 },
  'aes-192-cbc': { id: idAes192Cbc, name: 'aes-192-cbc', blockLength: 16 },
  'aes-256-cbc': { id: idAes256Cbc, name: 'aes-256-cbc', blockLength: 16 },
  'des-ede3-cbc': { id: desEde3Cbc, name: 'des-ede3-cbc', blockLength: 8 },
  // OpenSSL 3 has no DES without its legacy provider, but 3DES with one key three times is DES.
  'des-cbc': { id: desCbc, name: 'des-ede3-cbc', blockLength: 8 },
};

function cipherKey(encryption: ContentEncryption, key: Uint8Array): Uint8Array {
  return encryption === 'des-cbc' ? Buffer.concat([key, key, key]) : key;
}

/** Some decrypters refuse DES keys without the parity bits of FIPS 46-3, which the cipher itself ignores. */
function setOddParity(key: Uint8Array): void {
  for (const [i, octet] of key.entries()) {
    let ones = octet >> 1;
    ones ^= ones >> 4;
    ones ^= ones >> 2;
    ones ^= ones >> 1;
    key[i] = (octet & 0xfe) | (~ones & 1);
  }
}

/** The padding's octets (RFC 5652 section 6.3), 0 where it is wrong; no branch depends on the plaintext. */
function paddingLength(padded: Uint8Array, blockLength: number): number {
  const end = padded.length;
  const claimed = padded[end - 1] ?? 0;
  let wrong = isNegative(claimed - 1) | isNegative(blockLength - claimed);
  for (let i = 1; i <= blockLength; i++) {
    wrong |= ((padded[end - i] ?? 0) ^ claimed) & -isNegative(i - 1 - claimed);
  }
  return claimed & (isNegative(-wrong) - 1);
}

/** 1 or 0. */
function isNegative(value: number): number {
  return value >>> 31;
}
