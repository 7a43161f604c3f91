/** CRLStatus (RFC 9810 5.3.19.17): which CRL a client has, so that it gets the newer one. */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { type GeneralName, readGeneralNames } from '../../../src/x509/general-names.js';
import { retagged } from './building-blocks.js';

export interface CrlStatus {
  readonly source: CrlSource;
  /** Of the CRL that the client has. */
  readonly thisUpdate?: Date | undefined;
}

export type CrlSource =
  /** A DistributionPointName by its fullName. */
  | { readonly type: 'distributionPoint'; readonly names: readonly GeneralName[] }
  /** A DistributionPointName relative to the issuer: DER RelativeDistinguishedName. */
  | { readonly type: 'relativeName'; readonly relativeName: Uint8Array }
  | { readonly type: 'issuer'; readonly names: readonly GeneralName[] };

/** Decodes CRLStatusListValue. @throws DerError also when the list is empty */
export function decodeCrlStatusList(value: Uint8Array): CrlStatus[] {
  const list = DerReader.decode(value, (r) => r.each(Tag.sequence, readCrlStatus, maximumStatuses));
  if (list.length === 0) throw new DerError('empty CRLStatusListValue', 0);
  return list;
}

const maximumStatuses = 100;

function readCrlStatus(reader: DerReader): CrlStatus {
  return reader.sequence((s) => ({ source: readSource(s), thisUpdate: s.more ? s.time() : undefined }));
}

function readSource(reader: DerReader): CrlSource {
  if (reader.tag === Tag.context(0)) return reader.inside(Tag.context(0), readDistributionPointName);
  return reader.inside(Tag.context(1), (names) => ({ type: 'issuer', names: readGeneralNames(names) }));
}

/** RFC 5280 4.2.1.13, with the IMPLICIT tags of its module. */
function readDistributionPointName(reader: DerReader): CrlSource {
  if (reader.tag === Tag.context(0)) {
    return { type: 'distributionPoint', names: readGeneralNames(reader, Tag.context(0)) };
  }
  return { type: 'relativeName', relativeName: retagged(reader.element(Tag.context(1)), Tag.set) };
}
