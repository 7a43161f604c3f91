/** RFC 5652 section 5 without signers, the "certs-only" message: Simple PKI Response (RFC 5272 section 4.1), EST, SCEP. */

import { Tag } from '../x509/der.js';
import { oid, sequence, setOf, smallInteger, tlv } from '../x509/der-writer.js';
import { encodeContentInfo } from './content-info.js';
import { encodeCertificateSet } from './encode-signed-data.js';
import { idData, idSignedData } from './oids.js';
import { decodeSignedData } from './signed-data.js';

/** Encodes DER certificates, in this order, and DER CRLs as a ContentInfo. */
export function encodeCertsOnly(certificates: readonly Uint8Array[], crls: readonly Uint8Array[] = []): Uint8Array {
  return encodeContentInfo(
    idSignedData,
    sequence(
      version1,
      emptySet,
      noContent,
      encodeCertificateSet(certificates),
      crls.length === 0 ? undefined : tlv(Tag.context(1), ...crls),
      emptySet,
    ),
  );
}

/** The DER certificates of a SignedData (DER or BER); signatures, if any, are ignored. @throws DerError, CmsError */
export function decodeCertsOnly(ber: Uint8Array): readonly Uint8Array[] {
  return decodeSignedData(ber).certificates;
}

const version1 = smallInteger(1);
const emptySet = setOf();
const noContent = sequence(oid(idData));
