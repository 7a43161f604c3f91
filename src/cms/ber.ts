/** Turns the BER that CMS senders may use (RFC 5652 section 1.1) into DER, so that only DER is ever decoded. */

import { DerError, DerReader, Tag } from '../x509/der.js';
import { tlv } from '../x509/der-writer.js';

/**
 * Returns the one value in `ber` with definite, minimal lengths and whole OCTET STRINGs; the input itself when there
 * is nothing to change. The order within SETs and the content of primitive values stay as they are.
 * @throws DerError for anything malformed, nested more than 32 deep, of more than 20,000 values or over 1 MiB
 */
export function toDer(ber: Uint8Array): Uint8Array {
  if (ber.length > maximumLength) throw new DerError('too long', 0);
  const walk: Walk = { bytes: ber, at: 0, values: 0 };
  const changed = rewrite(walk, ber.length, 0);
  if (walk.at !== ber.length) throw new DerError('trailing bytes', walk.at);
  return changed ?? ber;
}

const maximumLength = 1 << 20;
const maximumDepth = 32;
// Far more than any message needs; the parts of one value are passed as arguments, which the stack must hold.
const maximumValues = 20_000;
const constructed = 0x20;

interface Walk {
  readonly bytes: Uint8Array;
  at: number;
  values: number;
}

/** Moves past the next value; returns its DER where that differs from its bytes. */
function rewrite(walk: Walk, end: number, depth: number): Uint8Array | undefined {
  const { bytes, at } = walk;
  if (depth > maximumDepth) throw new DerError('nested too deeply', at);
  if (++walk.values > maximumValues) throw new DerError('too many values', at);
  const tag = bytes[at];
  if (tag === undefined || at + 2 > end) throw new DerError('truncated', at);
  if ((tag & 0x1f) === 0x1f || tag === 0) throw new DerError('unknown form of tag', at);
  const { contentAt, contentEnd, isMinimal } = readLength(bytes, at + 1, end);
  if ((tag & constructed) === 0) {
    if (contentEnd === undefined) throw new DerError('indefinite length of a primitive value', at);
    walk.at = contentEnd;
    return isMinimal ? undefined : tlv(tag, bytes.subarray(contentAt, contentEnd));
  }
  walk.at = contentAt;
  const parts = rewriteInside(walk, contentEnd, end, depth + 1);
  if (tag === (Tag.octetString | constructed)) return tlv(Tag.octetString, ...segments(parts));
  if (tag < 0x40 && tag !== Tag.sequence && tag !== Tag.set) throw new DerError('constructed string', at);
  return isMinimal && parts.length === 1 && parts[0]?.buffer === bytes.buffer ? undefined : tlv(tag, ...parts);
}

/** An undefined `contentEnd` says that the length is indefinite. */
function readLength(
  bytes: Uint8Array,
  at: number,
  end: number,
): { contentAt: number; contentEnd: number | undefined; isMinimal: boolean } {
  const first = bytes[at] ?? 0;
  if (first === 0x80) return { contentAt: at + 1, contentEnd: undefined, isMinimal: false };
  const octets = first < 0x80 ? 0 : first & 0x7f;
  const contentAt = at + 1 + octets;
  if (octets > 4 || contentAt > end) throw new DerError('truncated or oversized length', at);
  let length = octets === 0 ? first : 0;
  for (let i = at + 1; i < contentAt; i++) length = length * 256 + (bytes[i] ?? 0);
  if (length > end - contentAt) throw new DerError('value runs past its container', at);
  const isMinimal = octets === 0 || (length >= 0x80 && length >= 256 ** (octets - 1));
  return { contentAt, contentEnd: contentAt + length, isMinimal };
}

/** The content of a constructed value in as few pieces as possible: what need not change stays one view of the input. */
function rewriteInside(walk: Walk, contentEnd: number | undefined, end: number, depth: number): Uint8Array[] {
  const { bytes } = walk;
  const parts: Uint8Array[] = [];
  let keptFrom = walk.at;
  const limit = contentEnd ?? end;
  while (contentEnd === undefined ? !isEndOfContents(bytes, walk.at, end) : walk.at < contentEnd) {
    const childAt = walk.at;
    const changed = rewrite(walk, limit, depth);
    if (changed === undefined) continue;
    if (childAt > keptFrom) parts.push(bytes.subarray(keptFrom, childAt));
    parts.push(changed);
    keptFrom = walk.at;
  }
  if (walk.at > keptFrom || parts.length === 0) parts.push(bytes.subarray(keptFrom, walk.at));
  if (contentEnd === undefined) walk.at += 2;
  return parts;
}

function isEndOfContents(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + 2 > end) throw new DerError('end-of-contents missing', at);
  return bytes[at] === 0 && bytes[at + 1] === 0;
}

/** What a constructed OCTET STRING's segments hold (X.690 8.7.3). */
function segments(parts: readonly Uint8Array[]): Uint8Array[] {
  return DerReader.decode(tlv(Tag.sequence, ...parts), (reader) => reader.each(Tag.sequence, (s) => s.octetString()));
}
