/** What can be read of the header of a message that is malformed elsewhere: the answer has to name its transaction. */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { explicit, sequence } from '../../../src/x509/der-writer.js';
import { type PkiHeader, readPkiHeader } from './pki-header.js';

/** The fields that are well-formed; generalInfo may be empty because it is malformed. */
export type SalvagedHeader = { readonly [Field in keyof PkiHeader]?: PkiHeader[Field] | undefined };

/**
 * Reads those fields of the PKIHeader (RFC 9810 5.1.1) that are well-formed on their own; what follows the header may be
 * malformed, or missing.
 * @returns undefined for bytes that do not begin as a PKIMessage does: with a header of a version and two names
 */
export function salvageHeader(message: Uint8Array): SalvagedHeader | undefined {
  const [header] = wholeElements(message, 1);
  if (header === undefined) return undefined;
  const [pvno, sender, recipient, ...others] = wholeElements(header, maximumFields);
  if (pvno?.[0] !== Tag.integer || !isContextElement(sender) || !isContextElement(recipient)) return undefined;
  const fields: Uint8Array[] = [];
  for (const field of others) {
    if (lenient(anyVersion, anyName, anyName, ...fields, field) !== undefined) fields.push(field);
  }
  const { sender: from, senderDirectoryName } = lenient(anyVersion, sender, anyName) ?? {};
  return {
    ...lenient(anyVersion, anyName, anyName, ...fields),
    pvno: lenient(pvno, anyName, anyName)?.pvno,
    sender: from,
    recipient: lenient(anyVersion, anyName, recipient)?.recipient,
    senderDirectoryName,
  };
}

// Three that are mandatory and nine that are not.
const maximumFields = 12;
const anyVersion = Uint8Array.of(Tag.integer, 1, 2);
const anyName = explicit(4, sequence());

/** The first values in a SEQUENCE that are whole, though the SEQUENCE itself may be cut short or too long. */
function wholeElements(der: Uint8Array, maximum: number): Uint8Array[] {
  const elements: Uint8Array[] = [];
  const content = contentOfSequence(der);
  if (content === undefined) return elements;
  try {
    DerReader.decode(content, (reader) => {
      while (reader.more && elements.length < maximum) elements.push(reader.element());
    });
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
  }
  return elements;
}

/** All behind the first octets of a SEQUENCE, whatever its length says: nothing that is longer than it says is lost. */
function contentOfSequence(der: Uint8Array): Uint8Array | undefined {
  const [tag, length = 0] = der;
  if (tag !== Tag.sequence || length === 0x80) return undefined;
  return der.subarray(2 + (length > 0x80 ? length & 0x7f : 0));
}

function isContextElement(element: Uint8Array | undefined): element is Uint8Array {
  return ((element?.[0] ?? 0) & 0xc0) === 0x80;
}

function lenient(...fields: Uint8Array[]): PkiHeader | undefined {
  try {
    return DerReader.decode(sequence(...fields), readPkiHeader);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
