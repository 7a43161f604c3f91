/** GeneralName and GeneralNames (RFC 5280 4.2.1.6). */

import { DerError, DerReader, Tag } from './der.js';
import { explicit, ia5String, implicit, octetString, oid, sequence, tlv } from './der-writer.js';
import { formatIpAddress, parseIpAddress } from './ip-address.js';
import { formatName } from './names.js';

export type GeneralName =
  | { readonly type: 'dns' | 'email' | 'uri'; readonly value: string }
  /** Canonical text (RFC 5952 for IPv6). */
  | { readonly type: 'ip'; readonly value: string }
  /** DER Name. */
  | { readonly type: 'directoryName'; readonly value: Uint8Array }
  /** Dotted OID. */
  | { readonly type: 'registeredId'; readonly value: string }
  /** Dotted OID and the DER of the value inside of [0]. */
  | { readonly type: 'otherName'; readonly typeId: string; readonly value: Uint8Array }
  /** x400Address, ediPartyName: the DER whole, with its tag. */
  | { readonly type: 'other'; readonly tag: number; readonly der: Uint8Array };

/** Decodes GeneralNames, the value of subjectAltName and issuerAltName. @throws DerError also when there is none */
export function decodeGeneralNames(der: Uint8Array): GeneralName[] {
  return DerReader.decode(der, (r) => readGeneralNames(r));
}

/** Encodes GeneralNames. @throws RangeError for text beyond ASCII, no IP address, no OID */
export function encodeGeneralNames(names: readonly GeneralName[]): Uint8Array {
  return sequence(...names.map(encodeGeneralName));
}

/** Reads GeneralNames as the next value; `tag` where it is IMPLICIT. */
export function readGeneralNames(reader: DerReader, tag: number = Tag.sequence): GeneralName[] {
  const from = reader.offset;
  const names = reader.each(tag, readGeneralName, maximumNames);
  if (names.length === 0) throw new DerError('empty GeneralNames', from);
  return names;
}

export function readGeneralName(reader: DerReader): GeneralName {
  const { tag, offset } = reader;
  switch (tag) {
    case Tag.context(0):
      return reader.inside(tag, readOtherName);
    case Tag.contextPrimitive(1):
      return { type: 'email', value: readAscii(reader, tag) };
    case Tag.contextPrimitive(2):
      return { type: 'dns', value: readAscii(reader, tag) };
    case Tag.context(3):
    case Tag.context(5):
      return { type: 'other', tag, der: reader.element() };
    case Tag.context(4):
      return { type: 'directoryName', value: reader.inside(tag, (n) => n.element(Tag.sequence)) };
    case Tag.contextPrimitive(6):
      return { type: 'uri', value: readAscii(reader, tag) };
    case Tag.contextPrimitive(7):
      return { type: 'ip', value: readIpAddress(reader, tag) };
    case Tag.contextPrimitive(8):
      return { type: 'registeredId', value: reader.oid(tag) };
    default:
      throw new DerError('unknown form of GeneralName', offset);
  }
}

/** @throws RangeError as encodeGeneralNames does */
export function encodeGeneralName(name: GeneralName): Uint8Array {
  switch (name.type) {
    case 'email':
      return implicit(1, ia5String(name.value));
    case 'dns':
      return implicit(2, ia5String(name.value));
    case 'uri':
      return implicit(6, ia5String(name.value));
    case 'ip':
      return implicit(7, octetString(ipAddress(name.value)));
    case 'directoryName':
      return explicit(4, name.value);
    case 'registeredId':
      return implicit(8, oid(name.value));
    case 'otherName':
      return tlv(Tag.context(0), oid(name.typeId), explicit(0, name.value));
    case 'other':
      return name.der;
  }
}

/** One line for people: the kind, a colon, the value. @throws DerError for a malformed directoryName */
export function formatGeneralName(name: GeneralName): string {
  switch (name.type) {
    case 'directoryName':
      return `directoryName:${formatName(name.value)}`;
    case 'otherName':
      return `otherName:${name.typeId}:${Buffer.from(name.value).toString('hex')}`;
    case 'other':
      return `other:${Buffer.from(name.der).toString('hex')}`;
    default:
      return `${name.type}:${name.value}`;
  }
}

const maximumNames = 1024;

function readOtherName(reader: DerReader): GeneralName {
  const typeId = reader.oid();
  return { type: 'otherName', typeId, value: reader.inside(Tag.context(0), (v) => v.element()) };
}

function readAscii(reader: DerReader, tag: number): string {
  const from = reader.offset;
  const content = reader.content(tag);
  if (content.some((octet) => octet > 0x7f)) throw new DerError('GeneralName beyond ASCII', from);
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
}

function readIpAddress(reader: DerReader, tag: number): string {
  const from = reader.offset;
  const octets = reader.content(tag);
  if (octets.length !== 4 && octets.length !== 16) throw new DerError(`IP address of ${octets.length} octets`, from);
  return formatIpAddress(octets);
}

function ipAddress(text: string): Uint8Array {
  const octets = parseIpAddress(text);
  if (octets === undefined) throw new RangeError(`no IP address: ${text}`);
  return octets;
}
