/** RFC 5272 section 6: the controls of a Full PKI Request that are understood. */

import { isUtf8 } from 'node:buffer';
import { DerError, DerReader, Tag } from '../../src/x509/der.js';
import {
  type CmcControl,
  idCmcDataReturn,
  idCmcIdentification,
  idCmcIdentityProof,
  idCmcIdentityProofV2,
  idCmcQueryPending,
  idCmcRecipientNonce,
  idCmcRegInfo,
  idCmcSenderNonce,
  idCmcTransactionId,
} from './cmc.js';

/** One control that is understood. */
export interface KnownControl {
  readonly bodyPartId: number;
  /** Content octets of the OCTET STRING, INTEGER or UTF8String; DER of an identity proof. */
  readonly value: Uint8Array;
}

export interface KnownControls {
  /** By type (dotted OID). */
  readonly byType: ReadonlyMap<string, KnownControl>;
  /** Body parts that are unknown, malformed or the second of their kind: they fail the whole request (section 3.2.1.1). */
  readonly refused: readonly number[];
}

/** Sorts the controls into those that are understood and the rest. */
export function readControls(controls: readonly CmcControl[]): KnownControls {
  const byType = new Map<string, KnownControl>();
  const refused: number[] = [];
  for (const { bodyPartId, type, values } of controls) {
    const value = byType.has(type) ? undefined : readValue(type, values);
    if (value === undefined) refused.push(bodyPartId);
    else byType.set(type, { bodyPartId, value });
  }
  return { byType, refused };
}

const readers: ReadonlyMap<string, (reader: DerReader) => Uint8Array> = new Map([
  [idCmcIdentification, readUtf8],
  [idCmcIdentityProof, (reader: DerReader) => reader.element(Tag.octetString)],
  [idCmcIdentityProofV2, (reader: DerReader) => reader.element(Tag.sequence)],
  [idCmcDataReturn, readOctets],
  [idCmcTransactionId, (reader: DerReader) => reader.integer()],
  [idCmcSenderNonce, readOctets],
  [idCmcRecipientNonce, readOctets],
  [idCmcRegInfo, readOctets],
  [idCmcQueryPending, readOctets],
]);

function readValue(type: string, values: readonly Uint8Array[]): Uint8Array | undefined {
  const read = readers.get(type);
  const [value] = values;
  if (read === undefined || value === undefined || values.length > 1) return undefined;
  try {
    return DerReader.decode(value, read);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function readOctets(reader: DerReader): Uint8Array {
  return reader.octetString();
}

function readUtf8(reader: DerReader): Uint8Array {
  const at = reader.offset;
  const octets = reader.content(Tag.utf8String);
  if (!isUtf8(octets)) throw new DerError('malformed UTF8String', at);
  return octets;
}
