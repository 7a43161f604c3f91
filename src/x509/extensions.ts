/** Extensions (RFC 5280 4.1), and the values of those about the key and its use (4.2.1). URLs: location-extensions.ts. */

import { DerError, DerReader, Tag } from './der.js';
import {
  boolean,
  implicit,
  namedBits,
  octetString,
  oid,
  sequence,
  smallInteger,
  tlv,
  unsignedInteger,
} from './der-writer.js';
import { encodeGeneralName, type GeneralName, readGeneralNames } from './general-names.js';
import { serialNumberBytes, serialNumberHex } from './serial-number.js';

export interface Extension {
  /** Dotted OID. */
  readonly id: string;
  readonly critical: boolean;
  /** DER: what the OCTET STRING holds. */
  readonly value: Uint8Array;
}

/** Encodes one Extension; `critical` is written only when true (DEFAULT FALSE). */
export function encodeExtension({ id, critical, value }: Extension): Uint8Array {
  return sequence(oid(id), critical ? boolean(true) : undefined, octetString(value));
}

/** Encodes Extensions. */
export function encodeExtensions(extensions: readonly Extension[]): Uint8Array {
  return sequence(...extensions.map(encodeExtension));
}

/** Decodes one Extension. @throws DerError */
export function decodeExtension(der: Uint8Array): Extension {
  return DerReader.decode(der, readExtension);
}

/** Whether an encoded Extension has this dotted OID, at a fraction of what it costs to decode it. */
export function isExtension(der: Uint8Array, id: string): boolean {
  const lengthOctet = der[1] ?? 0;
  const start = lengthOctet < 0x80 ? 2 : 2 + (lengthOctet & 0x7f);
  return oid(id).every((octet, i) => der[start + i] === octet);
}

/** Decodes Extensions. @throws DerError when malformed or when one occurs twice (RFC 5280 4.2) */
export function decodeExtensions(der: Uint8Array): Extension[] {
  return DerReader.decode(der, readExtensions);
}

/** Reads Extensions as the next value of a larger structure. An empty list is accepted: old clients send it. */
export function readExtensions(reader: DerReader): Extension[] {
  const from = reader.offset;
  const extensions = reader.each(Tag.sequence, readExtension, maximumExtensions);
  // A nested loop: there are some ten extensions at most, for which a Set costs more.
  for (let i = 1; i < extensions.length; i++) {
    for (let j = 0; j < i; j++) {
      if (extensions[i]?.id === extensions[j]?.id) throw new DerError(`extension ${extensions[i]?.id} twice`, from);
    }
  }
  return extensions;
}

/** The value of an extension, undefined when it is not there. */
export function findExtension(extensions: readonly Extension[], id: string): Extension | undefined {
  return extensions.find((extension) => extension.id === id);
}

/** In the order of their bits (RFC 5280 4.2.1.3). */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof keyUsages)[number];

export function encodeKeyUsage(usages: Iterable<KeyUsage>): Uint8Array {
  return namedBits([...usages].map((usage) => keyUsages.indexOf(usage)));
}

/** Bits that have no name are left out. @throws DerError */
export function decodeKeyUsage(der: Uint8Array): KeyUsage[] {
  const bits = DerReader.decode(der, (r) => r.namedBits());
  return keyUsages.filter((_, bit) => bits.has(bit));
}

/** Encodes key purposes, dotted OIDs. @throws RangeError */
export function encodeExtKeyUsage(purposes: Iterable<string>): Uint8Array {
  return sequence(...[...purposes].map(oid));
}

/** Decodes key purposes to dotted OIDs. @throws DerError also when there is none */
export function decodeExtKeyUsage(der: Uint8Array): string[] {
  const purposes = DerReader.decode(der, (r) => r.each(Tag.sequence, (p) => p.oid(), maximumPurposes));
  if (purposes.length === 0) throw new DerError('empty extKeyUsage', 0);
  return purposes;
}

export interface BasicConstraints {
  readonly ca: boolean;
  /** pathLenConstraint; absent means no limit. */
  readonly pathLength?: number;
}

/** The path length is written for a CA only (RFC 5280 4.2.1.9). */
export function encodeBasicConstraints({ ca, pathLength }: BasicConstraints): Uint8Array {
  if (!ca) return sequence();
  return sequence(boolean(true), pathLength === undefined ? undefined : smallInteger(pathLength));
}

/** @throws DerError */
export function decodeBasicConstraints(der: Uint8Array): BasicConstraints {
  return DerReader.decode(der, (r) =>
    r.sequence((b) => {
      const ca = b.tag === Tag.boolean && b.boolean();
      return b.more ? { ca, pathLength: b.smallInteger() } : { ca };
    }),
  );
}

/** @param identifier what RFC 5280 4.2.1.2 calls the KeyIdentifier: 20 octets as a rule */
export function encodeSubjectKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return octetString(identifier);
}

/** @throws DerError */
export function decodeSubjectKeyIdentifier(der: Uint8Array): Uint8Array {
  return DerReader.decode(der, (r) => r.octetString());
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier?: Uint8Array;
  readonly issuer?: readonly GeneralName[];
  /** Lower-case hex. */
  readonly serialNumber?: string;
}

/** @throws RangeError for a serial number that is no hex */
export function encodeAuthorityKeyIdentifier(authority: AuthorityKeyIdentifier): Uint8Array {
  const { keyIdentifier, issuer, serialNumber } = authority;
  return sequence(
    keyIdentifier && tlv(Tag.contextPrimitive(0), keyIdentifier),
    issuer && tlv(Tag.context(1), ...issuer.map(encodeGeneralName)),
    serialNumber === undefined ? undefined : implicit(2, unsignedInteger(serialNumberBytes(serialNumber))),
  );
}

/** @throws DerError */
export function decodeAuthorityKeyIdentifier(der: Uint8Array): AuthorityKeyIdentifier {
  return DerReader.decode(der, (r) =>
    r.sequence((a) => {
      const keyIdentifier = a.optional(Tag.contextPrimitive(0), (k) => k.octetString(Tag.contextPrimitive(0)));
      const issuer = a.optional(Tag.context(1), (i) => readGeneralNames(i, Tag.context(1)));
      const serial = a.optional(Tag.contextPrimitive(2), (n) => n.integer(Tag.contextPrimitive(2)));
      return {
        ...(keyIdentifier && { keyIdentifier }),
        ...(issuer && { issuer }),
        ...(serial && { serialNumber: serialNumberHex(serial) }),
      };
    }),
  );
}

function readExtension(reader: DerReader): Extension {
  return reader.sequence((e) => ({
    id: e.oid(),
    // An explicit FALSE is not DER, but common.
    critical: e.tag === Tag.boolean && e.boolean(),
    value: e.octetString(),
  }));
}

const maximumExtensions = 64;
const maximumPurposes = 128;
