/** Certificates and CRLs for clients that ask for them within their protocol instead of by URL (RFC 8894 4.5, 4.6). */
import type { CaGeneration } from '../ca/generations.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { namesEqual } from '../x509/names.js';
import { authenticateRequest } from './authenticate-request.js';
import { recordRefusedMessage } from './record.js';
import type { CertificateQuery } from './request.js';
import type { EnrollmentServices } from './services.js';
import { findTarget, requireMethod } from './target.js';

/**
 * The certificate, DER. It must be of the policy's own CA hierarchy: whoever may ask here learns nothing of other CAs.
 * @throws GatewayError `unknown-certificate`, or as authentication does, after its audit event is committed
 */
export function findCertificate(query: CertificateQuery, services: EnrollmentServices): Promise<Uint8Array> {
  return recordingRefusals(query, services, async () => (await findRecord(query, services)).der);
}

/** The CRL that the certificate is on if it is revoked, DER. @throws GatewayError as findCertificate does */
export function findCrl(query: CertificateQuery, services: EnrollmentServices): Promise<Uint8Array> {
  return recordingRefusals(query, services, async () => {
    const { issuerId, crlPartition } = await findRecord(query, services);
    const crl = await services.store.crls.find({ issuerId, partition: crlPartition });
    if (crl === undefined) throw new GatewayError('unavailable', 'the CRL is being made; ask again in a moment');
    return crl.der;
  });
}

async function recordingRefusals(
  { credentials: _credentials, issuer: _issuer, serialNumber: _serialNumber, ...message }: CertificateQuery,
  services: EnrollmentServices,
  find: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof GatewayError) {
      await recordRefusedMessage({ ...message, code: error.code, reason: error.message }, services);
    }
    throw error;
  }
}

async function findRecord(
  query: CertificateQuery,
  services: EnrollmentServices,
): Promise<Pick<CertificateRecord, 'der' | 'issuerId' | 'crlPartition'>> {
  const target = findTarget(services.catalog(), query.label);
  requireMethod(target.resolved, query.protocol);
  const { credentials, remoteAddress, issuer, serialNumber } = query;
  await authenticateRequest({ credentials, operation: 'query', remoteAddress }, target, services.clock.now(), services);
  for (const { id, certificate } of hierarchyOf(target.resolved.policy.issuingCa, services)) {
    if (!namesEqual(certificate.subject, issuer)) continue;
    // A root is on record as a CA only.
    if (certificate.serialNumber === serialNumber && namesEqual(certificate.issuer, issuer)) {
      return { der: certificate.der, issuerId: id, crlPartition: 0 };
    }
    const record = await services.store.certificates.findByIssuerAndSerial(id, serialNumber);
    if (record) return record;
  }
  throw new GatewayError('unknown-certificate', 'no certificate of this CA has this issuer and serial number');
}

/** All generations of a CA, and those above them. */
function hierarchyOf(ca: string, { authority }: EnrollmentServices): Iterable<CaGeneration> {
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
