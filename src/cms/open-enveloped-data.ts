/** RFC 5652 section 6: opens EnvelopedData with a key that RSA key transport brought. */

import type { KeyTransport } from '../x509/key-transport.js';
import {
  type ContentEncryption,
  contentKeyLengths,
  decryptContent,
  readEncryptedContent,
} from './content-encryption.js';
import type { EnvelopedData, RecipientInfo } from './enveloped-data.js';
import { decodeKeyTransport } from './key-transport.js';

export interface OpenedEnvelope {
  /** What was decrypted, right or not: nothing says who encrypted it, or whether the key was the right one. */
  readonly content: Uint8Array;
  readonly contentEncryption: ContentEncryption;
  readonly keyTransport: KeyTransport;
}

/**
 * Opens an envelope. What everybody can see is checked before the private key is used, and nothing that only the key
 * shows is an error: a wrong key and wrong padding give content that its reader cannot read. So this is no oracle
 * (RFC 3218 section 2.3), as long as the caller answers alike to all content that it cannot use.
 * @param openKey opens a content-encryption key of `length` octets, and gives random octets where it cannot
 * @throws CmsError (unsupported: algorithms; malformed: initialization vector, length), DerError
 */
export async function openEnvelopedData(
  envelope: EnvelopedData,
  recipient: Extract<RecipientInfo, { type: 'keyTransport' }>,
  openKey: (transport: KeyTransport, encryptedKey: Uint8Array, length: number) => Promise<Uint8Array>,
): Promise<OpenedEnvelope> {
  const encrypted = readEncryptedContent(envelope.contentEncryption, envelope.encryptedContent);
  const contentEncryption = encrypted.encryption;
  const keyTransport = decodeKeyTransport(recipient.algorithm);
  const key = await openKey(keyTransport, recipient.encryptedKey, contentKeyLengths[contentEncryption]);
  return { content: decryptContent(encrypted, key), contentEncryption, keyTransport };
}

/** The cipher of an envelope, for those who accept some only. @throws as `openEnvelopedData` does */
export function contentEncryptionOf(envelope: EnvelopedData): ContentEncryption {
  return readEncryptedContent(envelope.contentEncryption, envelope.encryptedContent).encryption;
}
