/** The status of certificates for who validates them (RFC 6960 2.2): read from the record each time, so that it is the present one. */
import type { CaGeneration } from '../ca/generations.js';
import type { CertificateStatus } from '../ca-view.js';
import type { Catalog } from '../catalog/catalog.js';
import { ocspOf } from '../model/certificate-authority.js';
import { type CertificateRecord, certificateId, hasLapsed } from '../store/certificate-record.js';
import { revocationReasonOf } from '../x509/crl.js';
import type { CertId } from '../x509/ocsp-request.js';
import type { CertStatus } from '../x509/ocsp-response.js';
import { unwanted } from './lapse.js';
import type { EnrollmentServices } from './services.js';

interface StatusServices extends Pick<EnrollmentServices, 'authority' | 'store' | 'clock'> {
  readonly catalog: () => Pick<Catalog, 'certificateAuthorities'>;
}

/** Undefined where no CA that answers has this name and key, where that key is not in the gateway, or where it has ended. */
export async function findCertificateStatus(
  { hash, issuerNameHash, issuerKeyHash, serialNumber }: CertId,
  services: StatusServices,
): Promise<CertificateStatus | undefined> {
  if (hash === undefined) return undefined;
  const { authority, store, catalog, clock } = services;
  const now = clock.now();
  const configs = catalog().certificateAuthorities;
  const answering = authority
    .generationsByHashes({ hash, issuerNameHash, issuerKeyHash })
    .filter(({ ca, online, certificate }) => online && ocspOf(configs.get(ca)).enabled && certificate.notAfter > now);
  const [first] = answering;
  if (first === undefined) return undefined;
  for (const { id } of answering) {
    const record = await store.certificates.findStatus({ id: certificateId(id, serialNumber) });
    if (record !== undefined) return { generation: id, ...statusOf(record, now) };
    // Of an imported CA's list, with which no certificates came.
    const listed = await store.revocations.find({ issuerId: id, serialNumber });
    if (listed?.removed === 0) return { generation: id, ...revoked(listed.revokedAt, listed.reason) };
  }
  return { generation: first.id, ...unissued(first, configs) };
}

type StatusRecord = Pick<CertificateRecord, 'status' | 'revokedAt' | 'revocationReason' | 'confirmBy'>;

function statusOf(record: StatusRecord, now: Date): CertStatus {
  const { status, revokedAt, revocationReason, confirmBy } = record;
  // It is revoked a moment later, by whoever sees to that: nobody is to trust it until then.
  if (confirmBy !== null && hasLapsed(record, now)) {
    return { status: 'revoked', revokedAt: new Date(confirmBy), reason: unwanted };
  }
  if (status === 'valid') return { status: 'good' };
  return revoked(revokedAt ?? 0, revocationReason ?? 0);
}

/** @param at epoch milliseconds @param code CRLReason (RFC 5280 5.3.1) */
function revoked(at: number, code: number): CertStatus {
  const reason = revocationReasonOf(code);
  return { status: 'revoked', revokedAt: new Date(at), ...(reason === undefined ? {} : { reason }) };
}

/** Never good: whoever shows such a certificate has not got it here. */
function unissued(
  { ca }: CaGeneration,
  configs: Catalog['certificateAuthorities'],
): CertStatus & Pick<CertificateStatus, 'isUnissued'> {
  if (ocspOf(configs.get(ca)).unissued === 'unknown') return { status: 'unknown' };
  // RFC 6960 2.2 wants this time and this reason.
  return { status: 'revoked', revokedAt: new Date(0), reason: 'certificateHold', isUnissued: true };
}
