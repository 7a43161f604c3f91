/** What leads from a root's generation to the next one and back (RFC 9810 4.4.1): made when the next one is staged. */
import type { ApprovedIssuance } from '../policy/decide.js';
import { approveCertificateAuthority } from '../policy/decide.js';
import { encodeExtension } from '../x509/extensions.js';
import { idCeCertificatePolicies, idCeNameConstraints } from '../x509/oids.js';
import { keyFingerprint } from '../x509/public-key.js';
import { keyIdentifierOf, type SigningGeneration } from './generations.js';
import { type HierarchyOptions, recordCertificate } from './make-generation.js';
import { signAuthorityCertificate } from './signing-issuer.js';

/**
 * Makes the cross-certificates that are missing between the current and the next generation of each root whose keys are here. They are on
 * record like those of other CAs, so that they can be revoked.
 * @throws GatewayError of the store or a key
 */
export async function ensureCrossCertificates(options: HierarchyOptions): Promise<void> {
  const { generations } = options;
  for (const next of generations.all()) {
    const current = generations.findCurrent(next.ca);
    if (next.state !== 'next' || next.parent !== null || current?.parent !== null) continue;
    if (!next.online || !current.online || next.revoked || current.revoked) continue;
    await ensure(next, current, options);
    await ensure(current, next, options);
  }
}

/** The certificate of a generation's key by another generation, DER; undefined if there is none. */
export async function findCrossCertificate(
  subject: Pick<SigningGeneration, 'certificate'>,
  issuerId: string,
  { certificates }: Pick<HierarchyOptions['store'], 'certificates'>,
): Promise<Uint8Array | undefined> {
  const fingerprint = keyFingerprint(subject.certificate.subjectPublicKeyInfo);
  const known = await certificates.findByKey({ keyFingerprint: fingerprint });
  return known.find((record) => record.issuerId === issuerId && record.status === 'valid')?.der;
}

async function ensure(subject: SigningGeneration, issuer: SigningGeneration, options: HierarchyOptions): Promise<void> {
  const { store, clock, createAuditRecord } = options;
  if ((await findCrossCertificate(subject, issuer.id, store)) !== undefined) return;
  const issuance = approve(subject, issuer);
  const issued = await signAuthorityCertificate(issuance, issuer, options.configs);
  const event = createAuditRecord({
    at: clock.now(),
    action: 'ca.cross-certified',
    outcome: 'success',
    subject: subject.id,
    details: { ca: subject.ca, serialNumber: issued.serialNumber, issuer: issuer.id },
  });
  await store.commit({ statements: [recordCertificate(issued, issuance, event, store)], audit: [event] });
}

// What is issued must not be under less by this way.
const limits: ReadonlySet<string> = new Set([idCeNameConstraints, idCeCertificatePolicies]);

/** RFC 9810 4.4.1: from when the certified key was made until the old one ends. */
function approve({ certificate, pathLength }: SigningGeneration, issuer: SigningGeneration): ApprovedIssuance {
  const end = Math.min(certificate.notAfter.getTime(), issuer.certificate.notAfter.getTime());
  return approveCertificateAuthority({
    issuerId: issuer.id,
    subject: certificate.subject,
    subjectPublicKeyInfo: certificate.subjectPublicKeyInfo,
    subjectKeyIdentifier: keyIdentifierOf(certificate),
    notBefore: certificate.notBefore,
    notAfter: new Date(end),
    ...(pathLength !== undefined && { pathLength }),
    extensions: certificate.extensions.filter(({ id }) => limits.has(id)).map(encodeExtension),
  });
}
