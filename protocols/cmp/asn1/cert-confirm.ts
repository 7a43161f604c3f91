/** CertConfirmContent (RFC 9810 5.3.18): what the client says of the certificates that it got. */

import { DerReader, Tag } from '../../../src/x509/der.js';
import { readExplicit, readNumber } from './building-blocks.js';
import { type PkiStatusInfo, readPkiStatusInfo } from './pki-status.js';

/** CertStatus. */
export interface CertStatus {
  readonly certHash: Uint8Array;
  readonly certReqId: number;
  /** Absent means accepted. */
  readonly statusInfo?: PkiStatusInfo | undefined;
  /** DER AlgorithmIdentifier; absent means that of the certificate's signature. */
  readonly hashAlg?: Uint8Array | undefined;
}

/** Decodes CertConfirmContent. An empty list rejects all certificates (5.3.18). @throws DerError */
export function decodeCertConfirmContent(der: Uint8Array): CertStatus[] {
  return DerReader.decode(der, (r) => r.each(Tag.sequence, readCertStatus, maximumStatuses));
}

const maximumStatuses = 32;

function readCertStatus(reader: DerReader): CertStatus {
  return reader.sequence((s) => ({
    certHash: s.octetString(),
    certReqId: readNumber(s),
    statusInfo: s.optional(Tag.sequence, readPkiStatusInfo),
    hashAlg: readExplicit(s, 0, (a) => a.element(Tag.sequence)),
  }));
}
