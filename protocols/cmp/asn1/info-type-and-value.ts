/** InfoTypeAndValue (RFC 9810 5.3.19) of generalInfo, genm and genp, and AttributeTypeAndValue (RFC 4211 appendix B). */

import { type DerReader, Tag } from '../../../src/x509/der.js';
import { oid, sequence } from '../../../src/x509/der-writer.js';

export interface InfoTypeAndValue {
  /** Dotted OID. */
  readonly id: string;
  /** DER, whatever the type asks for. */
  readonly value?: Uint8Array | undefined;
}

/** A control or a piece of registration information: its value must be there. */
export interface AttributeTypeAndValue {
  /** Dotted OID. */
  readonly id: string;
  /** DER, whatever the type asks for. */
  readonly value: Uint8Array;
}

/** Reads a SEQUENCE OF InfoTypeAndValue. */
export function readInfos(reader: DerReader): InfoTypeAndValue[] {
  return reader.each(Tag.sequence, readInfo, maximumInfos);
}

/** Encodes a SEQUENCE OF InfoTypeAndValue, or of AttributeTypeAndValue. @throws RangeError when an id is no OID */
export function encodeInfos(infos: readonly InfoTypeAndValue[]): Uint8Array {
  return sequence(...infos.map(({ id, value }) => sequence(oid(id), value)));
}

/** Reads a SEQUENCE OF AttributeTypeAndValue. */
export function readAttributes(reader: DerReader): AttributeTypeAndValue[] {
  return reader.each(Tag.sequence, (a) => a.sequence((x) => ({ id: x.oid(), value: x.element() })), maximumInfos);
}

const maximumInfos = 100;

function readInfo(reader: DerReader): InfoTypeAndValue {
  return reader.sequence((info) => {
    const id = info.oid();
    return info.more ? { id, value: info.element() } : { id };
  });
}
