/** The content ciphers of EnvelopedData: AES in CBC mode (RFC 3565 section 4.1). */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DerReader } from '../x509/der.js';
import { octetString, oid, sequence } from '../x509/der-writer.js';
import { CmsError } from './cms-error.js';
import { idAes128Cbc, idAes192Cbc, idAes256Cbc } from './oids.js';

/** Names as node:crypto knows them. */
export type ContentEncryption = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc';

export const contentEncryptionByOid: ReadonlyMap<string, ContentEncryption> = new Map([
  [idAes128Cbc, 'aes-128-cbc'],
  [idAes192Cbc, 'aes-192-cbc'],
  [idAes256Cbc, 'aes-256-cbc'],
]);

/** Encrypts with a new random key and initialization vector. */
export function encryptContent(
  encryption: ContentEncryption,
  content: Uint8Array,
): { /** DER AlgorithmIdentifier. */ algorithm: Uint8Array; encrypted: Uint8Array; key: Uint8Array } {
  const { id, keyLength } = ciphers[encryption];
  const key = randomBytes(keyLength);
  const initializationVector = randomBytes(blockLength);
  const cipher = createCipheriv(encryption, key, initializationVector);
  const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
  return { algorithm: sequence(oid(id), octetString(initializationVector)), encrypted, key };
}

/**
 * Decrypts what `encryptContent` makes. CBC says nothing about who encrypted: do not let others see how this fails.
 * @throws CmsError (unsupported: cipher; decryption-failed: key or padding), DerError
 */
export function decryptContent(algorithm: Uint8Array, encrypted: Uint8Array, key: Uint8Array): Uint8Array {
  const { id, initializationVector } = DerReader.decode(algorithm, (reader) =>
    reader.sequence((a) => ({ id: a.oid(), initializationVector: a.more ? a.element() : undefined })),
  );
  const encryption = contentEncryptionByOid.get(id);
  if (encryption === undefined) throw new CmsError('unsupported', 'the content encryption is not supported');
  if (initializationVector === undefined) throw new CmsError('malformed', 'the initialization vector is missing');
  const vector = DerReader.decode(initializationVector, (reader) => reader.octetString());
  if (vector.length !== blockLength) throw new CmsError('malformed', 'the initialization vector has a wrong length');
  if (key.length !== ciphers[encryption].keyLength) throw failure();
  try {
    const decipher = createDecipheriv(encryption, key, vector);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  } catch {
    throw failure();
  }
}

const blockLength = 16;

const ciphers: Readonly<Record<ContentEncryption, { readonly id: string; readonly keyLength: number }>> = {
  'aes-128-cbc': { id: idAes128Cbc, keyLength: 16 },
  'aes-192-cbc': { id: idAes192Cbc, keyLength: 24 },
  'aes-256-cbc': { id: idAes256Cbc, keyLength: 32 },
};

function failure(): CmsError {
  return new CmsError('decryption-failed', 'the content could not be decrypted');
}
