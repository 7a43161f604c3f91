/** RFC 5652 sections 5.3 and 6.1: the attributes beside what is signed or encrypted. */

import { DerError, type DerReader, Tag } from '../x509/der.js';

/** Attribute values (DER each) by type (dotted OID). */
export type Attributes = ReadonlyMap<string, readonly Uint8Array[]>;

/** Reads a SET OF Attribute under whatever tag it has. */
export function readAttributes(reader: DerReader, tag: number = Tag.set): Attributes {
  const attributes = new Map<string, readonly Uint8Array[]>();
  reader.each(
    tag,
    (attribute) =>
      attribute.sequence((a) => {
        const at = a.offset;
        const type = a.oid();
        if (attributes.has(type)) throw new DerError('attribute occurs twice', at);
        attributes.set(
          type,
          a.each(Tag.set, (value) => value.element(), maximumValues),
        );
      }),
    maximumAttributes,
  );
  return attributes;
}

/** The one value of an attribute; undefined when there is none or more than one. */
export function singleValue(attributes: Attributes, type: string): Uint8Array | undefined {
  const values = attributes.get(type);
  return values?.length === 1 ? values[0] : undefined;
}

const maximumAttributes = 64;
const maximumValues = 16;
