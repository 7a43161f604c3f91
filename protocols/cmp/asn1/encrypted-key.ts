/** EncryptedKey (RFC 4211 section 6.4, RFC 9810 5.2.2): a private key, a certificate or a passphrase that one peer only can read. */

import { type DerReader, Tag } from '../../../src/x509/der.js';
import { implicit } from '../../../src/x509/der-writer.js';
import { readImplicit } from './building-blocks.js';

export type EncryptedKey =
  /** DER EnvelopedData. */
  | { readonly type: 'envelopedData'; readonly envelopedData: Uint8Array }
  /** Deprecated. DER EncryptedValue. */
  | { readonly type: 'encryptedValue'; readonly encryptedValue: Uint8Array };

/** Reads an EncryptedKey as the next value. */
export function readEncryptedKey(reader: DerReader): EncryptedKey {
  const envelopedData = readImplicit(reader, 0, Tag.sequence);
  if (envelopedData !== undefined) return { type: 'envelopedData', envelopedData };
  return { type: 'encryptedValue', encryptedValue: reader.element(Tag.sequence) };
}

export function encodeEncryptedKey(encrypted: EncryptedKey): Uint8Array {
  return encrypted.type === 'envelopedData' ? implicit(0, encrypted.envelopedData) : encrypted.encryptedValue;
}
