/** Names of devices as otherName: PermanentIdentifier (RFC 4043 2) and HardwareModuleName (RFC 4108 5). */

import { readString } from './character-strings.js';
import { DerError, DerReader, Tag } from './der.js';
import { octetString, oid, sequence, utf8String } from './der-writer.js';

export interface PermanentIdentifier {
  /** When absent, the subject's serialNumber takes its place. */
  readonly value?: string;
  /** Dotted OID. */
  readonly assigner?: string;
}

/** @param der the value of the otherName @throws DerError */
export function readPermanentIdentifier(der: Uint8Array): PermanentIdentifier {
  return DerReader.decode(der, (r) =>
    r.sequence((name) => {
      const value = name.optional(Tag.utf8String, readText);
      const assigner = name.optional(Tag.oid, (a) => a.oid());
      return { ...(value !== undefined && { value }), ...(assigner !== undefined && { assigner }) };
    }),
  );
}

/** The value of an otherName. @throws RangeError when the assigner is no OID */
export function encodePermanentIdentifier({ value, assigner }: PermanentIdentifier): Uint8Array {
  return sequence(
    value === undefined ? undefined : utf8String(value),
    assigner === undefined ? undefined : oid(assigner),
  );
}

/**
 * What ACME names a hardware module by: hwType as dotted OID, a colon, hwSerialNum in lower-case hex.
 * @param der the value of the otherName
 * @throws DerError also for an empty hwSerialNum
 */
export function readHardwareModule(der: Uint8Array): string {
  return DerReader.decode(der, (r) =>
    r.sequence((name) => {
      const type = name.oid();
      const { offset } = name;
      const serialNumber = name.octetString();
      if (serialNumber.length === 0) throw new DerError('empty hwSerialNum', offset);
      return `${type}:${Buffer.from(serialNumber).toString('hex')}`;
    }),
  );
}

/** The value of an otherName, from what readHardwareModule returns. @throws RangeError for anything else */
export function encodeHardwareModule(name: string): Uint8Array {
  const [, type = '', serialNumber] = /^([0-9.]+):((?:[0-9a-f]{2})+)$/.exec(name) ?? [];
  if (serialNumber === undefined) throw new RangeError('no name of a hardware module');
  return sequence(oid(type), octetString(Buffer.from(serialNumber, 'hex')));
}

function readText(reader: DerReader): string {
  const { offset } = reader;
  const { value } = readString(reader);
  if (value === '') throw new DerError('empty identifierValue', offset);
  return value;
}
