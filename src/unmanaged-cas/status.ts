/** What unmanaged CAs and the certificates below them are taken for: reckoned when they are looked at. */
import { statusOf } from '../certificates/status.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { UnmanagedCertificateRecord } from '../store/unmanaged-certificate-repository.js';

export const unmanagedCaStatuses = ['valid', 'held', 'revoked', 'expired'] as const;
export type UnmanagedCaStatus = (typeof unmanagedCaStatuses)[number];

export const branchStatuses = [
  'valid',
  'revoked',
  'expired',
  'issuer-revoked',
  'issuer-held',
  'issuer-expired',
] as const;
type BranchStatus = (typeof branchStatuses)[number];

type OwnCertificate = Pick<CertificateRecord, 'issuerId' | 'status' | 'notAfter' | 'confirmBy' | 'keyFingerprint'>;

type StatusServices = Pick<EnrollmentServices, 'clock' | 'authority'>;

/** One valid certificate is enough; else the latest tells. @param certificates the latest first */
export function statusOfCa(certificates: readonly OwnCertificate[], services: StatusServices): UnmanagedCaStatus {
  const statuses = certificates.map((certificate) => {
    if (isRevokedWithin(certificate.issuerId, services)) return 'revoked';
    const status = statusOf(certificate, services.clock.now());
    return status === 'unconfirmed' ? 'valid' : status;
  });
  return (
    statuses.find((status) => status === 'valid') ??
    statuses.find((status) => status === 'held') ??
    statuses[0] ??
    'expired'
  );
}

/**
 * Revoking a CA revokes all that its key has signed: nobody who looks at revocation accepts the path any more. What another
 * key of it has signed, after a rekey, goes by that one.
 */
export function createBranchStatus(
  certificates: readonly OwnCertificate[],
  services: StatusServices,
): (certificate: Pick<UnmanagedCertificateRecord, 'status' | 'notAfter' | 'issuerKey'>) => BranchStatus {
  const keys = new Set(certificates.map(({ keyFingerprint }) => keyFingerprint));
  const byKey = new Map(
    [...keys].map((key) => [
      key,
      statusOfCa(
        certificates.filter(({ keyFingerprint }) => keyFingerprint === key),
        services,
      ),
    ]),
  );
  return ({ status, notAfter, issuerKey }) => {
    if (status === 'revoked') return 'revoked';
    const issuer = byKey.get(issuerKey) ?? 'expired';
    if (issuer === 'revoked' || issuer === 'held') return `issuer-${issuer}`;
    if (notAfter < services.clock.now().getTime()) return 'expired';
    return issuer === 'expired' ? 'issuer-expired' : 'valid';
  };
}

/** Whether a generation of a CA here is revoked as a whole, or one above it. */
function isRevokedWithin(id: string, services: StatusServices): boolean {
  const generation = services.authority.generation(id);
  if (generation === undefined) return false;
  return generation.revoked || (generation.parent !== null && isRevokedWithin(generation.parent, services));
}
