/** The small types that the structures of CMP (RFC 9810 appendix F) and CRMF (RFC 4211 appendix B) are built of. */

import { decodeCharacters } from '../../../src/x509/character-strings.js';
import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { decodeGeneralizedTime } from '../../../src/x509/der-time.js';
import { sequence, smallInteger, tlv, utf8String } from '../../../src/x509/der-writer.js';

/** Reads the next value inside its EXPLICIT context tag; undefined when it is not there. */
export function readExplicit<T>(reader: DerReader, number: number, read: (reader: DerReader) => T): T | undefined {
  return reader.tag === Tag.context(number) ? reader.inside(Tag.context(number), read) : undefined;
}

/** Reads the next value under its IMPLICIT context tag, and returns it under its own; undefined when it is not there. */
export function readImplicit(reader: DerReader, number: number, universalTag: number): Uint8Array | undefined {
  const tag = universalTag === Tag.sequence ? Tag.context(number) : Tag.contextPrimitive(number);
  return reader.tag === tag ? retagged(reader.element(), universalTag) : undefined;
}

/** A copy of an encoded value under another tag. */
export function retagged(element: Uint8Array, tag: number): Uint8Array {
  const copy = Uint8Array.from(element);
  copy[0] = tag;
  return copy;
}

/** Reads an INTEGER of either sign: version numbers and certReqIds. What a number cannot hold becomes the nearest that is safe. */
export function readNumber(reader: DerReader, tag: number = Tag.integer): number {
  const content = reader.integer(tag);
  const isNegative = (content[0] ?? 0) >= 0x80;
  if (content.length > 6) return isNegative ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  let value = 0;
  for (const octet of content) value = value * 256 + octet;
  return isNegative ? value - 256 ** content.length : value;
}

/** Encodes an INTEGER of -128 to 2^53-1. @throws RangeError for anything else */
export function encodeNumber(value: number): Uint8Array {
  return value < 0 && value >= -128 ? tlv(Tag.integer, Uint8Array.of(value & 0xff)) : smallInteger(value);
}

/** Reads the SEQUENCE OF UTF8String that PKIFreeText, certProfile and suppLangTags are. */
export function readTexts(reader: DerReader): string[] {
  return reader.each(Tag.sequence, readUtf8String, maximumTexts);
}

export function encodeTexts(texts: readonly string[]): Uint8Array {
  return sequence(...texts.map(utf8String));
}

export function readUtf8String(reader: DerReader): string {
  const at = reader.offset;
  const text = decodeCharacters(Tag.utf8String, reader.content(Tag.utf8String));
  if (text === undefined) throw new DerError('malformed UTF8String', at);
  return text;
}

/** Reads a GeneralizedTime; parts of a second, which not all senders leave out, are kept to the millisecond. */
export function readMoment(reader: DerReader): Date {
  const at = reader.offset;
  const content = reader.content(Tag.generalizedTime);
  const fraction = fractionOfSecond(content);
  const whole = fraction === undefined ? content : Uint8Array.of(...content.subarray(0, 14), 0x5a);
  const moment = decodeGeneralizedTime(whole);
  if (moment === undefined) throw new DerError('malformed GeneralizedTime', at);
  return fraction === undefined ? moment : new Date(moment.getTime() + Math.floor(fraction * 1000));
}

export interface PublicKeyInfo {
  /** DER SubjectPublicKeyInfo. */
  readonly der: Uint8Array;
  /** DER AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  /** The octets of the BIT STRING. */
  readonly key: Uint8Array;
}

/** Reads the outline of a SubjectPublicKeyInfo; whether there is a key in it is for others to see. */
export function readPublicKeyInfo(reader: DerReader): PublicKeyInfo {
  const der = reader.element(Tag.sequence);
  return DerReader.decode(der, (r) =>
    r.sequence((info) => ({ der, algorithm: info.element(Tag.sequence), key: info.bitString() })),
  );
}

const maximumTexts = 100;

/** 0 up to 1, undefined when there is none or when it is malformed. */
function fractionOfSecond(content: Uint8Array): number | undefined {
  if (content.length <= 15 || content.length > 32) return undefined;
  const [, digits] = /^[0-9]{14}\.([0-9]+)Z$/.exec(String.fromCharCode(...content)) ?? [];
  return digits === undefined ? undefined : Number(`0.${digits}`);
}
