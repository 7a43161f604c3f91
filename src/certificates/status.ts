/** What a certificate is taken for. */
import type { CertificateRecord } from '../store/certificate-record.js';
import type { ShownStatus } from '../store/certificate-search.js';

export const shownStatuses = [
  'valid',
  'unconfirmed',
  'held',
  'revoked',
  'expired',
] as const satisfies readonly ShownStatus[];

/** What is on record as valid has expired all the same when its time is over, and is revoked when nobody confirmed it in time. */
export function statusOf(
  { status, notAfter, confirmBy }: Pick<CertificateRecord, 'status' | 'notAfter' | 'confirmBy'>,
  now: Date,
): ShownStatus {
  if (status !== 'valid') return status;
  const at = now.getTime();
  if (confirmBy !== null && confirmBy <= at) return 'revoked';
  if (notAfter < at) return 'expired';
  return confirmBy === null ? 'valid' : 'unconfirmed';
}
