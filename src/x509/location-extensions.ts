/** Values of the extensions that say where things are, and under which policies (RFC 5280 4.2.1.4, 4.2.1.13, 4.2.2.1, 5.2.5). */

import { DerError, DerReader, Tag } from './der.js';
import { boolean, explicit, ia5String, implicit, oid, sequence, tlv, utf8String } from './der-writer.js';
import { encodeGeneralName, type GeneralName, readGeneralName, readGeneralNames } from './general-names.js';
import { idAdCaIssuers, idAdOcsp } from './oids.js';

/** Encodes one DistributionPoint: all URLs are of the same CRL. @throws RangeError for a URL beyond ASCII */
export function encodeCrlDistributionPoints(urls: readonly string[]): Uint8Array {
  return sequence(sequence(distributionPoint(urls)));
}

/** The URLs of all DistributionPoints; other forms of name, reasons and CRL issuers are passed over. @throws DerError */
export function decodeCrlDistributionPoints(der: Uint8Array): string[] {
  const points = DerReader.decode(der, (r) => r.each(Tag.sequence, (p) => p.sequence(readDistributionPoint), 64));
  return urlsOf(points.flat());
}

export interface AuthorityInfoAccess {
  /** URLs of the issuer's certificate. */
  readonly caIssuers: readonly string[];
  /** URLs of OCSP responders. */
  readonly ocsp: readonly string[];
}

/** OCSP first, the order that most clients look them up in. @throws RangeError for a URL beyond ASCII */
export function encodeAuthorityInfoAccess({ caIssuers, ocsp }: AuthorityInfoAccess): Uint8Array {
  const describe = (method: string) => (url: string) =>
    sequence(oid(method), encodeGeneralName({ type: 'uri', value: url }));
  return sequence(...ocsp.map(describe(idAdOcsp)), ...caIssuers.map(describe(idAdCaIssuers)));
}

/** Other access methods and forms of name are passed over. @throws DerError */
export function decodeAuthorityInfoAccess(der: Uint8Array): AuthorityInfoAccess {
  const descriptions = DerReader.decode(der, (r) =>
    r.each(Tag.sequence, (d) => d.sequence((x) => ({ method: x.oid(), location: readGeneralName(x) })), 64),
  );
  const urls = (method: string) => urlsOf(descriptions.filter((d) => d.method === method).map((d) => d.location));
  return { caIssuers: urls(idAdCaIssuers), ocsp: urls(idAdOcsp) };
}

/** Encodes PolicyInformation without qualifiers for each dotted OID. @throws RangeError */
export function encodeCertificatePolicies(policies: readonly string[]): Uint8Array {
  return sequence(...policies.map((policy) => sequence(oid(policy))));
}

export interface QualifiedPolicy {
  /** Dotted OID. */
  readonly id: string;
  /** URL of the certification practice statement. */
  readonly cps?: string | undefined;
  /** Explicit text of a user notice, at most 200 characters. */
  readonly notice?: string | undefined;
}

/** Encodes PolicyInformation with the two qualifiers of RFC 5280 4.2.1.4. @throws RangeError for a URL beyond ASCII */
export function encodeQualifiedPolicies(policies: readonly QualifiedPolicy[]): Uint8Array {
  return sequence(...policies.map(encodeQualifiedPolicy));
}

function encodeQualifiedPolicy({ id, cps, notice }: QualifiedPolicy): Uint8Array {
  const qualifiers = [
    ...(cps === undefined ? [] : [sequence(oid(idQtCps), ia5String(cps))]),
    ...(notice === undefined ? [] : [sequence(oid(idQtUnotice), sequence(utf8String(notice)))]),
  ];
  return sequence(oid(id), qualifiers.length === 0 ? undefined : sequence(...qualifiers));
}

const idQtCps = '1.3.6.1.5.5.7.2.1';
const idQtUnotice = '1.3.6.1.5.5.7.2.2';

/** The dotted OIDs; qualifiers are passed over. @throws DerError also when there is none or one occurs twice */
export function decodeCertificatePolicies(der: Uint8Array): string[] {
  const policies = DerReader.decode(der, (r) =>
    r.each(
      Tag.sequence,
      (p) =>
        p.sequence((x) => {
          const policy = x.oid();
          x.optional(Tag.sequence, (q) => q.element());
          return policy;
        }),
      256,
    ),
  );
  if (policies.length === 0 || new Set(policies).size < policies.length) {
    throw new DerError('certificatePolicies empty or with one twice', 0);
  }
  return policies;
}

export interface IssuingDistributionPoint {
  /** Where the CRL is: all names that certificates may have for it. */
  readonly urls: readonly string[];
  readonly onlyContainsUserCerts?: boolean;
  readonly onlyContainsCaCerts?: boolean;
}

/** For a CRL (RFC 5280 5.2.5). @throws RangeError for a URL beyond ASCII */
export function encodeIssuingDistributionPoint(point: IssuingDistributionPoint): Uint8Array {
  return sequence(
    point.urls.length === 0 ? undefined : distributionPoint(point.urls),
    point.onlyContainsUserCerts === true ? implicit(1, boolean(true)) : undefined,
    point.onlyContainsCaCerts === true ? implicit(2, boolean(true)) : undefined,
  );
}

/**
 * Decodes the scope of a CRL. @throws DerError when malformed, and for scopes that are not handled (some reasons,
 * indirect CRLs, attribute certificates): taking such a CRL for a full one would miss revocations
 */
export function decodeIssuingDistributionPoint(der: Uint8Array): IssuingDistributionPoint {
  return DerReader.decode(der, (r) =>
    r.sequence((p) => {
      const names = p.tag === Tag.context(0) ? readDistributionPointName(p) : [];
      const onlyContainsUserCerts = p.tag === Tag.contextPrimitive(1) && p.boolean(Tag.contextPrimitive(1));
      const onlyContainsCaCerts = p.tag === Tag.contextPrimitive(2) && p.boolean(Tag.contextPrimitive(2));
      return { urls: urlsOf(names), onlyContainsUserCerts, onlyContainsCaCerts };
    }),
  );
}

/** DistributionPointName as both extensions have it: [0] { fullName [0] GeneralNames }. */
function distributionPoint(urls: readonly string[]): Uint8Array {
  return explicit(0, tlv(Tag.context(0), ...urls.map((value) => encodeGeneralName({ type: 'uri', value }))));
}

function readDistributionPoint(reader: DerReader): GeneralName[] {
  const names = reader.tag === Tag.context(0) ? readDistributionPointName(reader) : [];
  reader.optional(Tag.contextPrimitive(1), (reasons) => reasons.namedBits(Tag.contextPrimitive(1)));
  reader.optional(Tag.context(2), (crlIssuer) => readGeneralNames(crlIssuer, Tag.context(2)));
  return names;
}

function readDistributionPointName(reader: DerReader): GeneralName[] {
  return reader.inside(Tag.context(0), (name) => {
    if (name.tag === Tag.context(0)) return readGeneralNames(name, Tag.context(0));
    name.element(Tag.context(1));
    return [];
  });
}

function urlsOf(names: readonly GeneralName[]): string[] {
  return names.flatMap((name) => (name.type === 'uri' ? [name.value] : []));
}
