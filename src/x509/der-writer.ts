/** Writes DER (X.690 10): plain functions that return bytes in memory of their own. Sizes are minimal, order is the caller's. */

import { Tag } from './der.js';
import { encodeOidContent } from './der-oid.js';
import { encodeGeneralizedTime, encodeUtcTime } from './der-time.js';

/** Encodes one value: tag, minimal length, the parts in order; an undefined part is an absent OPTIONAL. */
export function tlv(tag: number, ...parts: (Uint8Array | undefined)[]): Uint8Array {
  let length = 0;
  for (const part of parts) if (part !== undefined) length += part.length;
  const octets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  // Not from Buffer's pool: with a pooled slice its whole pool would travel to the database thread.
  const out = new Uint8Array(2 + octets + length);
  out[0] = tag;
  out[1] = octets === 0 ? length : 0x80 | octets;
  for (let i = octets, rest = length; i > 0; i--, rest = Math.floor(rest / 256)) out[1 + i] = rest & 0xff;
  let at = 2 + octets;
  for (const part of parts) {
    if (part === undefined) continue;
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function sequence(...parts: (Uint8Array | undefined)[]): Uint8Array {
  return tlv(Tag.sequence, ...parts);
}

/** SET OF: the elements in the order that DER asks for (X.690 11.6). */
export function setOf(...parts: Uint8Array[]): Uint8Array {
  return tlv(Tag.set, ...parts.toSorted((a, b) => Buffer.compare(a, b)));
}

/** EXPLICIT context tag. */
export function explicit(number: number, ...parts: (Uint8Array | undefined)[]): Uint8Array {
  return tlv(Tag.context(number), ...parts);
}

/** IMPLICIT context tag: replaces the tag of an encoded value and keeps its being primitive or constructed. */
export function implicit(number: number, encoded: Uint8Array): Uint8Array {
  const out = Uint8Array.from(encoded);
  out[0] = 0x80 | ((encoded[0] ?? 0) & 0x20) | number;
  return out;
}

export function octetString(...parts: Uint8Array[]): Uint8Array {
  return tlv(Tag.octetString, ...parts);
}

/** A BIT STRING of whole octets. */
export function bitString(...parts: Uint8Array[]): Uint8Array {
  return tlv(Tag.bitString, zeroOctet, ...parts);
}

/** A named bit list, without trailing zero bits (X.690 11.2.2). */
export function namedBits(bits: Iterable<number>): Uint8Array {
  const all = [...bits];
  if (all.length === 0) return tlv(Tag.bitString, zeroOctet);
  const highest = Math.max(...all);
  const content = new Uint8Array(2 + (highest >> 3));
  content[0] = 7 - (highest & 7);
  for (const bit of all) content[1 + (bit >> 3)] = (content[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return tlv(Tag.bitString, content);
}

/** INTEGER of a big-endian magnitude; leading zero octets are dropped, a sign octet added where needed. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let from = 0;
  while (from < magnitude.length - 1 && magnitude[from] === 0) from++;
  const minimal = magnitude.subarray(from);
  const first = minimal[0];
  return tlv(Tag.integer, first === undefined || first >= 0x80 ? zeroOctet : undefined, minimal);
}

/** INTEGER of 0 to 2^53-1. @throws RangeError for anything else */
export function smallInteger(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no small INTEGER: ${value}`);
  const magnitude: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) magnitude.unshift(rest & 0xff);
  return unsignedInteger(Uint8Array.from(magnitude));
}

export function boolean(value: boolean): Uint8Array {
  return Uint8Array.of(Tag.boolean, 1, value ? 0xff : 0);
}

/** NULL. */
export const nullValue: Uint8Array = Uint8Array.of(Tag.null, 0);

/** OBJECT IDENTIFIER from dotted text. @throws RangeError when it is none */
export function oid(dotted: string): Uint8Array {
  const known = encodedOids.get(dotted);
  if (known !== undefined) return known;
  const content = encodeOidContent(dotted);
  if (content === undefined) throw new RangeError(`no OBJECT IDENTIFIER: ${dotted}`);
  const encoded = tlv(Tag.oid, content);
  if (encodedOids.size < maximumKnownOids) encodedOids.set(dotted, encoded);
  return encoded;
}

/** Messages are full of the same few. Those of requests come later and find no room, or do no harm. */
const encodedOids = new Map<string, Uint8Array>();
const maximumKnownOids = 500;

/** Time: UTCTime through 2049, GeneralizedTime after (RFC 5280 4.1.2.5). @throws RangeError outside the years 0-9999 */
export function time(at: Date): Uint8Array {
  const year = at.getUTCFullYear();
  return year >= 1950 && year < 2050 ? tlv(Tag.utcTime, encodeUtcTime(at)) : generalizedTime(at);
}

/** @throws RangeError outside the years 0-9999 */
export function generalizedTime(at: Date): Uint8Array {
  const year = at.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new RangeError('moment outside the years 0-9999');
  return tlv(Tag.generalizedTime, encodeGeneralizedTime(at));
}

/** The text's UTF-8 bytes, unchecked beyond that. */
export function utf8String(text: string): Uint8Array {
  return tlv(Tag.utf8String, Buffer.from(text, 'utf8'));
}

/** @throws RangeError for characters outside the PrintableString alphabet (X.680 41.4) */
export function printableString(text: string): Uint8Array {
  if (!isPrintableString(text)) throw new RangeError('no PrintableString');
  return tlv(Tag.printableString, Buffer.from(text, 'latin1'));
}

/** @throws RangeError for characters outside ASCII */
export function ia5String(text: string): Uint8Array {
  if (!isIa5String(text)) throw new RangeError('no IA5String');
  return tlv(Tag.ia5String, Buffer.from(text, 'latin1'));
}

export function isPrintableString(text: string): boolean {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text);
}

export function isIa5String(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

const zeroOctet = Uint8Array.of(0);
