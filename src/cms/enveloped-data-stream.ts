/** RFC 5652 section 6: EnvelopedData around content that is too long for memory, in BER with indefinite lengths. */

import { Tag } from '../x509/der.js';
import { octetString, oid, setOf, smallInteger } from '../x509/der-writer.js';
import { startEncryption } from './content-encryption.js';
import type { Envelope } from './enveloped-data.js';
import { idEnvelopedData } from './oids.js';
import { encodeRecipientInfo } from './recipient-infos.js';

/**
 * Encrypts content for one recipient as it comes: a ContentInfo, one segment of encrypted content for each piece.
 * @throws CmsError (unsupported) for a key that does not fit, before anything is read
 */
export async function* encryptEnvelope(
  { contentType, contentEncryption, recipient }: Omit<Envelope, 'content'>,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { algorithm, key, cipher } = startEncryption(contentEncryption);
  const { der, envelopeVersion } = encodeRecipientInfo(recipient, key);
  key.fill(0);
  yield Buffer.concat([
    indefinite(Tag.sequence),
    oid(idEnvelopedData),
    indefinite(Tag.context(0)),
    indefinite(Tag.sequence),
    smallInteger(envelopeVersion),
    setOf(der),
    indefinite(Tag.sequence),
    oid(contentType),
    algorithm,
    indefinite(Tag.context(0)),
  ]);
  for await (const piece of content) {
    const encrypted = cipher.update(piece);
    if (encrypted.length > 0) yield octetString(encrypted);
  }
  yield Buffer.concat([octetString(cipher.final()), ...Array.from({ length: openValues }, () => endOfContents)]);
}

/** X.690 8.1.3.6. */
function indefinite(tag: number): Uint8Array {
  return Uint8Array.of(tag, 0x80);
}

const endOfContents = Uint8Array.of(0, 0);
/** ContentInfo, its [0], EnvelopedData, EncryptedContentInfo, its [0]. */
const openValues = 5;
