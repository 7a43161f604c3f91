/** Certifies the key and subject of a foreign CA by the current generation of one here (RFC 5280 3.2). */
import { GatewayError } from '../errors.js';
import type { CrossCertificationLimits } from '../model/cross-certification.js';
import { approveCertificateAuthority } from '../policy/decide.js';
import type { IssuerFacts } from '../policy/facts.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { Certificate } from '../x509/certificate.js';
import type { Authority } from './authority.js';
import { keyIdentifierOf, pathLengthOf } from './generations.js';
import { type HierarchyOptions, recordCertificate } from './make-generation.js';

interface ForeignCa {
  /** The CA that certifies. */
  readonly ca: string;
  /** Of the foreign CA. */
  readonly foreign: Certificate;
  readonly limits: CrossCertificationLimits;
  /** Each a whole DER Extension. */
  readonly extensions: readonly Uint8Array[];
}

interface ForeignCertificate {
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** The generation that has signed it. */
  readonly issuerId: string;
  readonly notAfter: Date;
  /** Nobody may see it before this is committed. */
  record(event: AuditRecord): Statement;
}

interface Services extends Pick<HierarchyOptions, 'clock'> {
  readonly authority: Pick<Authority, 'issuer' | 'issue'>;
  readonly store: HierarchyOptions['store'];
}

/**
 * Issues the certificate, whose validity and path length are within those of both CAs.
 * @throws GatewayError 'rejected-profile' where there is no room for the path length, or nothing left of the validity; as `issue` does
 */
export async function certifyForeign(
  { ca, foreign, limits, extensions }: ForeignCa,
  { authority, store, clock }: Services,
): Promise<ForeignCertificate> {
  const issuer = authority.issuer(ca);
  const pathLength = pathLengthFor(foreign, limits.pathLength, issuer);
  const issuance = approveCertificateAuthority({
    issuerId: issuer.id,
    subject: foreign.subject,
    subjectPublicKeyInfo: foreign.subjectPublicKeyInfo,
    // What the foreign CA has issued names it by this.
    subjectKeyIdentifier: keyIdentifierOf(foreign),
    ...validityFor(foreign, limits.validity, issuer, clock.now()),
    ...(pathLength !== Number.POSITIVE_INFINITY && { pathLength }),
    extensions,
    usage: 'intermediate',
  });
  const issued = await authority.issue(issuance);
  const { serialNumber, issuerId } = issued;
  const record = (event: AuditRecord) => recordCertificate(issued, issuance, event, store);
  return { serialNumber, issuerId, notAfter: issuance.notAfter, record };
}

/** Infinite where nothing limits it. */
function pathLengthFor(foreign: Certificate, wanted: number | undefined, issuer: IssuerFacts): number {
  const room = (issuer.pathLength ?? Number.POSITIVE_INFINITY) - 1;
  if (room < 0) {
    throw new GatewayError(
      'rejected-profile',
      `the path length of ${issuer.id}, or of a CA above it, has no room for a CA below it`,
    );
  }
  const most = Math.min(room, pathLengthOf(foreign) ?? Number.POSITIVE_INFINITY);
  if (wanted === undefined || wanted <= most) return wanted ?? most;
  throw new GatewayError(
    'rejected-profile',
    `a path length of ${wanted} is more than ${issuer.id} and the foreign CA's own certificate have room for: ${most} at most`,
  );
}

/** Within that of both. The last second counts as part of the validity (RFC 5280 4.1.2.5). */
function validityFor(foreign: Certificate, seconds: number | undefined, issuer: IssuerFacts, now: Date) {
  const second = Math.floor(now.getTime() / 1000);
  const wanted = seconds === undefined ? Number.POSITIVE_INFINITY : (second + seconds - 1) * 1000;
  const notAfter = Math.min(wanted, issuer.notAfter.getTime(), foreign.notAfter.getTime());
  if (notAfter <= now.getTime())
    throw new GatewayError('rejected-profile', 'the certificate would end before it begins');
  const notBefore = Math.max(
    (second - issuer.backdateSeconds) * 1000,
    issuer.notBefore.getTime(),
    foreign.notBefore.getTime(),
  );
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
}
