/** Audit events about certificates on record: each names the certificate, and belongs to the history of its device. */
import { type AuditAction, createAuditRecord } from '../audit/audit-record.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord } from '../store/change.js';
import type { CertificateHolder } from './certificate-holder.js';

interface Occasion {
  readonly at: Date;
  /** Of the event, where it is that of the message that wanted it. */
  readonly id?: string;
  /** Whose the certificate is. */
  readonly holder: CertificateHolder;
}

/** What has become of a certificate. */
export function certificateEvent(
  action: Extract<AuditAction, `certificate.${string}`>,
  { id: subject, subject: name, deviceId: device }: Pick<CertificateRecord, 'id' | 'subject' | 'deviceId'>,
  { at, id, holder }: Occasion,
  details: Readonly<Record<string, unknown>>,
): AuditRecord {
  return createAuditRecord({
    ...(id === undefined ? {} : { id }),
    at,
    action,
    outcome: 'success',
    subject,
    device,
    details: { ...details, name, ...holder },
  });
}
