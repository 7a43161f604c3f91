/** CertId (RFC 4211 section 6.5): which certificate is updated, or was revoked. */

import { DerError, type DerReader } from '../../../src/x509/der.js';
import { explicit, sequence, unsignedInteger } from '../../../src/x509/der-writer.js';
import { serialNumberBytes, serialNumberHex } from '../../../src/x509/serial-number.js';
import { directoryName, readGeneralNameElement } from './pki-header.js';

export interface CertId {
  /** DER Name. */
  readonly issuer: Uint8Array;
  /** Lower-case hex. */
  readonly serialNumber: string;
}

/** Reads a CertId as the next value; the issuer must be a directoryName. */
export function readCertId(reader: DerReader): CertId {
  return reader.sequence((c) => {
    const at = c.offset;
    const issuer = directoryName(readGeneralNameElement(c));
    if (issuer === undefined) throw new DerError('directoryName expected', at);
    return { issuer, serialNumber: serialNumberHex(c.integer()) };
  });
}

/** @throws RangeError for a serial number that is no hex */
export function encodeCertId({ issuer, serialNumber }: CertId): Uint8Array {
  return sequence(explicit(4, issuer), unsignedInteger(serialNumberBytes(serialNumber)));
}
