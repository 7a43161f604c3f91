/** Certificates and CRLs for clients that ask for them within their protocol instead of by URL (RFC 8894 4.5, 4.6). */
import type { CaGeneration } from '../ca/generations.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { decodeCertificate, fingerprint } from '../x509/certificate.js';
import { namesEqual } from '../x509/names.js';
import { authenticateRequest } from './authenticate-request.js';
import { recordingRefusals } from './recording-refusals.js';
import type { CertificateName, CertificateQuery } from './request.js';
import type { EnrollmentServices } from './services.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';

/**
 * The certificate, DER. It must be of the policy's own CA hierarchy: whoever may ask here learns nothing of other CAs.
 * @throws GatewayError `unknown-certificate`, or as authentication does, after its audit event is committed
 */
export function findCertificate(query: CertificateQuery, services: EnrollmentServices): Promise<Uint8Array> {
  return recordingRefusals(query, services, async () => (await answerQuery(query, services)).der);
}

/** The CRL that the certificate is on if it is revoked, DER. @throws GatewayError as findCertificate does */
export function findCrl(query: CertificateQuery, services: EnrollmentServices): Promise<Uint8Array> {
  return recordingRefusals(query, services, async () => {
    const { issuerId, crlPartition } = await answerQuery(query, services);
    return await findCrlOf(issuerId, crlPartition, services);
  });
}

/** @throws GatewayError `unavailable` as long as the first one is being made */
export async function findCrlOf(
  issuerId: string,
  partition: number,
  { store }: EnrollmentServices,
): Promise<Uint8Array> {
  const crl = await store.crls.find({ issuerId, partition });
  if (crl === undefined) throw crlMissing();
  return crl.der;
}

/** The refusal of who asks for a CRL before there is one. */
export function crlMissing(): GatewayError {
  return new GatewayError('unavailable', 'the CRL is being made; ask again in a moment');
}

async function answerQuery(
  query: CertificateQuery,
  services: EnrollmentServices,
): Promise<Pick<CertificateRecord, 'der' | 'issuerId' | 'crlPartition'>> {
  const target = findTarget(services.catalog(), query.label);
  requireMethod(target.resolved, query.protocol);
  const { protocol, credentials, remoteAddress, issuer, serialNumber } = query;
  const asked = { protocol, credentials, operation: 'query', remoteAddress } as const;
  await authenticateRequest(asked, target, services.clock.now(), services);
  for (const { id, certificate } of generationsOf(query, target, services)) {
    // A root is on record as a CA only.
    if (certificate.serialNumber === serialNumber && namesEqual(certificate.issuer, issuer)) {
      return { der: certificate.der, issuerId: id, crlPartition: 0 };
    }
    const record = await services.store.certificates.findByIssuerAndSerial(id, serialNumber);
    if (record) return record;
  }
  throw unknownCertificate();
}

/**
 * A certificate that the policy's CA, or one above it, has issued to somebody who authenticates by the same authentication
 * policy. Those of the CAs and of the gateway itself are not among them.
 * @throws GatewayError `unknown-certificate`
 */
export async function findIssuedCertificate(
  name: CertificateName,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<CertificateRecord> {
  const { opens } = target.resolved.authentication;
  for (const { id } of generationsOf(name, target, services)) {
    const record = await services.store.certificates.findByIssuerAndSerial(id, name.serialNumber);
    if (record && record.usage !== 'service' && opens.has(record.policy)) return record;
  }
  throw unknownCertificate();
}

/** The record of a certificate that the gateway has just issued or kept, DER. */
export async function requireOnRecord(
  certificate: Uint8Array,
  { store }: EnrollmentServices,
): Promise<CertificateRecord> {
  const { serialNumber } = decodeCertificate(certificate);
  const found = await store.certificates.findByFingerprint({
    serialNumber,
    certificateFingerprint: fingerprint(certificate),
  });
  if (found === undefined) throw new GatewayError('internal', 'a certificate that was issued here is not on record');
  return found;
}

function unknownCertificate(): GatewayError {
  return new GatewayError('unknown-certificate', 'no certificate of this CA has this issuer and serial number');
}

/** The generations of the policy's CAs that have the issuer's name. */
function generationsOf(
  { issuer }: CertificateName,
  { resolved }: EnrollmentTarget,
  services: EnrollmentServices,
): CaGeneration[] {
  const all = hierarchyOf(resolved.policy.issuingCa, services);
  return [...all].filter(({ certificate }) => namesEqual(certificate.subject, issuer));
}

/** All generations of a CA, and those above them. */
export function hierarchyOf(ca: string, { authority }: EnrollmentServices): Iterable<CaGeneration> {
  const found = new Map<string, CaGeneration>();
  for (const generation of authority.generations().filter((each) => each.ca === ca)) {
    let next: CaGeneration | undefined = generation;
    while (next !== undefined && !found.has(next.id)) {
      found.set(next.id, next);
      next = next.parent === null ? undefined : authority.generation(next.parent);
    }
  }
  return found.values();
}
