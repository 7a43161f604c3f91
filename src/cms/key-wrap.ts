/** AES key wrap (RFC 3394), the key encryption of KEKRecipientInfo and KeyAgreeRecipientInfo (RFC 3565 section 2.3). */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { oid, sequence } from '../x509/der-writer.js';
import { CmsError } from './cms-error.js';
import { idAes128Wrap, idAes192Wrap, idAes256Wrap } from './oids.js';

export type KeyWrap = 'aes128-wrap' | 'aes192-wrap' | 'aes256-wrap';

export interface KeyWrapAlgorithm {
  readonly name: KeyWrap;
  /** DER AlgorithmIdentifier: no parameters (RFC 3565 section 2.3.2). */
  readonly identifier: Uint8Array;
  /** Octets of the key-encryption key. */
  readonly keyLength: number;
}

export const keyWraps: Readonly<Record<KeyWrap, KeyWrapAlgorithm>> = {
  'aes128-wrap': { name: 'aes128-wrap', identifier: sequence(oid(idAes128Wrap)), keyLength: 16 },
  'aes192-wrap': { name: 'aes192-wrap', identifier: sequence(oid(idAes192Wrap)), keyLength: 24 },
  'aes256-wrap': { name: 'aes256-wrap', identifier: sequence(oid(idAes256Wrap)), keyLength: 32 },
};

export const keyWrapByOid: ReadonlyMap<string, KeyWrap> = new Map([
  [idAes128Wrap, 'aes128-wrap'],
  [idAes192Wrap, 'aes192-wrap'],
  [idAes256Wrap, 'aes256-wrap'],
]);

/** The key wrap that takes a key of this many octets; undefined when there is none. */
export function keyWrapForLength(octets: number): KeyWrap | undefined {
  return Object.values(keyWraps).find(({ keyLength }) => keyLength === octets)?.name;
}

/**
 * Wraps `key`, a multiple of 8 octets, with a key-encryption key of the length that `wrap` asks for.
 * @throws CmsError (unsupported) for the key of single DES, which is shorter than the 16 octets that RFC 3394 begins at
 */
export function wrapKey(wrap: KeyWrap, keyEncryptionKey: Uint8Array, key: Uint8Array): Uint8Array {
  if (key.length < 16) throw new CmsError('unsupported', 'the content encryption does not go with AES key wrap');
  const cipher = createCipheriv(`id-${wrap}`, keyEncryptionKey, initialValue);
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

/** What `wrapKey` has wrapped; undefined where another key did, or where it was changed. */
export function unwrapKey(wrap: KeyWrap, keyEncryptionKey: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  try {
    const decipher = createDecipheriv(`id-${wrap}`, keyEncryptionKey, initialValue);
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  } catch {
    return undefined;
  }
}

// RFC 3394 section 2.2.3.1.
const initialValue = Buffer.alloc(8, 0xa6);
