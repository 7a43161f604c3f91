/** How a message is written: DER, or BER with indefinite lengths and strings in pieces, as old clients do. */
import { Tag } from '../../src/x509/der.js';
import { explicit, octetString, sequence, tlv } from '../../src/x509/der-writer.js';

export interface CmsWriter {
  sequence(...parts: (Uint8Array | undefined)[]): Uint8Array;
  explicit(number: number, content: Uint8Array): Uint8Array;
  octetString(content: Uint8Array): Uint8Array;
  /** [number] IMPLICIT OCTET STRING */
  taggedOctets(number: number, content: Uint8Array): Uint8Array;
}

export const derWriter: CmsWriter = {
  sequence,
  explicit,
  octetString: (content) => octetString(content),
  taggedOctets: (number, content) => tlv(Tag.contextPrimitive(number), content),
};

export const berWriter: CmsWriter = {
  sequence: (...parts) => indefinite(Tag.sequence, parts),
  explicit: (number, content) => indefinite(Tag.context(number), [content]),
  octetString: (content) => indefinite(constructed | Tag.octetString, pieces(content)),
  taggedOctets: (number, content) => indefinite(Tag.context(number), pieces(content)),
};

const constructed = 0x20;
const pieceLength = 200;

function indefinite(tag: number, parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(tag, 0x80), ...parts.filter((part) => part !== undefined), Buffer.alloc(2)]);
}

function pieces(content: Uint8Array): Uint8Array[] {
  const count = Math.ceil(content.length / pieceLength);
  return Array.from({ length: count }, (_, i) => octetString(content.subarray(i * pieceLength, (i + 1) * pieceLength)));
}
