/** Certificates as people and programs read them. */
import type { CertificateRecord } from '../store/certificate-record.js';
import { revocationReasonOf } from '../x509/crl.js';
import { timeText } from './table.js';

export type ShownStatus = CertificateRecord['status'] | 'expired';

/** What is on record as valid has expired all the same when its time is over. */
export function statusOf({ status, notAfter }: Pick<CertificateRecord, 'status' | 'notAfter'>, now: Date): ShownStatus {
  return status === 'valid' && notAfter < now.getTime() ? 'expired' : status;
}

/** A certificate for programs; those of CAs have no policy and no protocol. @param device the name of its device, if it has one */
export function certificateJson(record: CertificateRecord, device: string | null, now: Date): object {
  const { id, issuerId, serialNumber, subject, policy, profile, usage, protocol } = record;
  return {
    id,
    issuer: issuerId,
    serialNumber,
    status: statusOf(record, now),
    subject,
    device,
    policy: policy || null,
    profile: profile || null,
    usage,
    protocol: protocol || null,
    requester: record.requester || null,
    requestId: record.requestId,
    issuedAt: timeText(record.issuedAt),
    notBefore: timeText(record.notBefore),
    notAfter: timeText(record.notAfter),
    confirmBy: timeOrNull(record.confirmBy),
    revokedAt: timeOrNull(record.revokedAt),
    revocationReason: reasonOf(record),
    invalidityDate: timeOrNull(record.invalidityDate),
    replaces: record.replaces,
    fingerprint: record.certificateFingerprint,
    keyFingerprint: record.keyFingerprint,
  };
}

/** As CRLs have it; null while it is not revoked. */
export function reasonOf({ revocationReason }: Pick<CertificateRecord, 'revocationReason'>): string | null {
  return revocationReason === null ? null : (revocationReasonOf(revocationReason) ?? null);
}

function timeOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : timeText(milliseconds);
}
