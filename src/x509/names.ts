/** Name (RFC 5280 4.1.2.4): codec, comparison (7.1) and text (RFC 4514). Names travel as DER and are opened on demand. */

import { attributeByOid } from './attribute-types.js';
import { isStringTag, readString } from './character-strings.js';
import { DerError, DerReader, Tag } from './der.js';
import {
  ia5String,
  isIa5String,
  isPrintableString,
  oid,
  printableString,
  sequence,
  setOf,
  utf8String,
} from './der-writer.js';

export interface NameAttribute {
  /** Dotted OID. */
  readonly type: string;
  /** The text; for a value that is no character string, `#` and the hex of its DER. */
  readonly value: string;
  /** The value's ASN.1 tag, as received. */
  readonly tag: number;
}

/** RDNs in encoded order, the most significant (country, organisation) first as a rule. */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

/** What encodeName needs to know of an attribute; a tag that was received does not matter. */
export type NamedValue = Pick<NameAttribute, 'type' | 'value'> & Partial<NameAttribute>;

/** Decodes a Name. @throws DerError when malformed, its strings included; NUL and other odd characters are kept */
export function decodeName(der: Uint8Array): DistinguishedName {
  return DerReader.decode(der, (r) => r.each(Tag.sequence, readRdn, maximumRdns));
}

/** Encodes a Name; an empty one is an empty SEQUENCE. @throws RangeError as encodeAttribute does */
export function encodeName(name: readonly (readonly NamedValue[])[]): Uint8Array {
  return sequence(...name.map((rdn) => setOf(...rdn.map(encodeAttribute))));
}

/**
 * Encodes an AttributeTypeAndValue with the string type that RFC 5280 4.1.2.4 and A.1 ask for.
 * @throws RangeError when the type is no OID or the text does not fit the one string type that is allowed
 */
export function encodeAttribute({ type, value }: NamedValue): Uint8Array {
  return sequence(oid(type), encodeValue(type, value));
}

/** Writes a Name as RFC 4514 text, the last RDN first. @throws DerError */
export function formatName(der: Uint8Array): string {
  return decodeName(der)
    .map((rdn) => rdn.map(formatAttribute).join('+'))
    .reverse()
    .join(',');
}

/** Whether two Names match by RFC 5280 7.1: case, and white space at the ends and repeated, do not count. @throws DerError */
export function namesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0 || nameKey(a) === nameKey(b);
}

/** Text that two Names share exactly when they match by RFC 5280 7.1: for look-ups, not for people. @throws DerError */
export function nameKey(der: Uint8Array): string {
  const known = nameKeys.get(der);
  if (known !== undefined) return known;
  const key = decodeName(der)
    .map((rdn) => rdn.map(attributeKey).sort().join('+'))
    .join(',');
  nameKeys.set(der, key);
  return key;
}

/**
 * A long name takes milliseconds, and a stranger can have one compared with many others; nobody writes into a name that was
 * read.
 */
const nameKeys = new WeakMap<Uint8Array, string>();

const maximumRdns = 64;
const maximumAttributesOfRdn = 16;
const longestFolded = 512;

function readRdn(reader: DerReader): NameAttribute[] {
  const from = reader.offset;
  const attributes = reader.each(Tag.set, readAttribute, maximumAttributesOfRdn);
  if (attributes.length === 0) throw new DerError('empty RDN', from);
  return attributes;
}

function readAttribute(reader: DerReader): NameAttribute {
  return reader.sequence((a) => {
    const type = a.oid();
    const { tag } = a;
    if (tag !== undefined && !isStringTag(tag)) return { type, value: `#${hex(a.element())}`, tag };
    return { type, ...readString(a) };
  });
}

function encodeValue(type: string, value: string): Uint8Array {
  switch (attributeByOid(type)?.stringType) {
    case 'printable':
      return printableString(value);
    case 'ia5':
      return ia5String(value);
    case 'ia5OrDirectory':
      return isIa5String(value) ? ia5String(value) : utf8String(value);
    default:
      return isPrintableString(value) ? printableString(value) : utf8String(value);
  }
}

function formatAttribute({ type, value, tag }: NameAttribute): string {
  const known = attributeByOid(type);
  if (!isStringTag(tag)) return `${known?.short ?? type}=${value}`;
  // RFC 4514 2.4: a type without a name has its value as #hex of the BER; UTF8String says the same as what was received.
  return known === undefined ? `${type}=#${hex(utf8String(value))}` : `${known.short}=${escapeValue(value)}`;
}

/** RFC 4514 2.4; control characters as well, so that the text is fit for a log. */
function escapeValue(value: string): string {
  return value
    .replace(/["+,;<>\\]|^[ #]| $/g, '\\$&')
    .replace(/\p{Cc}/gu, (character) => hex(Buffer.from(character)).replace(/../g, '\\$&'));
}

/** One attribute without ambiguity: the length says where the value ends, whatever it holds. */
function attributeKey({ type, value, tag }: NameAttribute): string {
  const folded = isStringTag(tag) ? `=${foldText(value)}` : value;
  return `${type}:${folded.length}${folded}`;
}

/**
 * The gist of RFC 4518: compatibility forms, case and white space are folded. Not in text longer than any name has, which
 * only equals itself: a stranger's combining characters cost a time that grows with the square of their number.
 */
function foldText(text: string): string {
  if (text.length > longestFolded) return text;
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
