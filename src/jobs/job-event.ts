/** Audit events about jobs. */
import { type AuditAction, createAuditRecord } from '../audit/audit-record.js';
import type { AuditRecord } from '../store/change.js';
import type { JobRecord } from '../store/job-record.js';

export function jobEvent(
  action: Extract<AuditAction, `job.${string}`>,
  { id, kind, division, name }: Pick<JobRecord, 'id' | 'kind' | 'division' | 'name'>,
  at: Date,
  details: Readonly<Record<string, unknown>>,
): AuditRecord {
  return createAuditRecord({
    at,
    action,
    outcome: 'success',
    subject: id,
    details: { ...details, division, kind, ...(name === null ? {} : { name }) },
  });
}
