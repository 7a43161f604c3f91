/** RevReqContent and RevRepContent (RFC 9810 5.3.9 and 5.3.10). */

import { DerReader, Tag } from '../../../src/x509/der.js';
import { explicit, sequence } from '../../../src/x509/der-writer.js';
import { type Extension, findExtension } from '../../../src/x509/extensions.js';
import { idCeCrlReasons } from '../../../src/x509/oids.js';
import { type CertId, encodeCertId } from './cert-id.js';
import { type CertTemplate, readCertTemplate } from './cert-template.js';
import { encodePkiStatusInfo, type PkiStatusInfo } from './pki-status.js';

export interface RevDetails {
  /** certDetails: what the certificate is known by. */
  readonly template: CertTemplate;
  readonly crlEntryDetails: readonly Extension[];
}

/** Decodes RevReqContent. @throws DerError */
export function decodeRevReqContent(der: Uint8Array): RevDetails[] {
  return DerReader.decode(der, (r) => r.each(Tag.sequence, readRevDetails, maximumDetails));
}

/** The CRLReason code of crlEntryDetails, whether there is such a reason or not; undefined when none is given. @throws DerError */
export function requestedReason({ crlEntryDetails }: RevDetails): number | undefined {
  const extension = findExtension(crlEntryDetails, idCeCrlReasons);
  return extension && DerReader.decode(extension.value, (r) => r.smallInteger(Tag.enumerated));
}

export interface RevRepContent {
  readonly status: readonly PkiStatusInfo[];
  readonly revCerts?: readonly CertId[] | undefined;
  /** DER. */
  readonly crls?: readonly Uint8Array[] | undefined;
}

/** Encodes RevRepContent; empty lists but status are left out. @throws RangeError for a serial number that is no hex */
export function encodeRevRepContent({ status, revCerts = [], crls = [] }: RevRepContent): Uint8Array {
  return sequence(
    sequence(...status.map(encodePkiStatusInfo)),
    revCerts.length > 0 ? explicit(0, sequence(...revCerts.map(encodeCertId))) : undefined,
    crls.length > 0 ? explicit(1, sequence(...crls)) : undefined,
  );
}

const maximumDetails = 32;

function readRevDetails(reader: DerReader): RevDetails {
  return reader.sequence((d) => ({
    template: readCertTemplate(d),
    crlEntryDetails: d.more ? d.each(Tag.sequence, readEntryDetail, maximumDetails) : [],
  }));
}

/** Unlike in certificates, one that comes twice is for others to judge. */
function readEntryDetail(reader: DerReader): Extension {
  return reader.sequence((e) => ({
    id: e.oid(),
    critical: e.optional(Tag.boolean, (c) => c.boolean()) ?? false,
    value: e.octetString(),
  }));
}
