/** RFC 5652 section 3: ContentInfo, the frame that names what is inside. */

import { DerReader, Tag } from '../x509/der.js';
import { explicit, oid, sequence } from '../x509/der-writer.js';
import { toDer } from './ber.js';

export interface ContentInfo {
  /** Dotted OID. */
  readonly contentType: string;
  /** DER of the content, its tag and length included. */
  readonly content: Uint8Array;
}

/** Reads a ContentInfo in DER or BER; what comes out is DER. @throws DerError */
export function decodeContentInfo(ber: Uint8Array): ContentInfo {
  return DerReader.decode(toDer(ber), (reader) =>
    reader.sequence((info) => ({
      contentType: info.oid(),
      content: info.inside(Tag.context(0), (content) => content.element()),
    })),
  );
}

/** Encodes a ContentInfo around the DER of its content. */
export function encodeContentInfo(contentType: string, content: Uint8Array): Uint8Array {
  return sequence(oid(contentType), explicit(0, content));
}
