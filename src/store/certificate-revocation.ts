/** Certificates that are revoked or on hold, and what their CRLs list. */
import { valid } from './certificate-counts.js';
import type { CertificateRecord } from './certificate-record.js';
import type { Database } from './database.js';

export function createCertificateRevocation(database: Database) {
  const { write, read } = database.tables<{ certificate: CertificateRecord }>();

  return {
    /** Also from hold, and when it is not confirmed yet. Refused as 'already-revoked'. */
    revoke: write(
      (db, slot: { id: string; revokedAt: number; revocationReason: number; invalidityDate: number | null }) =>
        db
          .updateTable('certificate')
          .set({
            status: 'revoked',
            revokedAt: slot.revokedAt,
            revocationReason: slot.revocationReason,
            invalidityDate: slot.invalidityDate,
            confirmBy: null,
          })
          .where('id', '=', slot.id)
          .where('status', 'in', ['valid', 'held']),
      { rows: 1, otherwise: 'already-revoked' },
    ),

    /** Of a certificate that is revoked: there is more against it now. Refused as 'unavailable' unless it is. */
    revokeAnew: write(
      (db, slot: { id: string; revocationReason: number; invalidityDate: number | null }) =>
        db
          .updateTable('certificate')
          .set({ revocationReason: slot.revocationReason, invalidityDate: slot.invalidityDate })
          .where('id', '=', slot.id)
          .where('status', '=', 'revoked'),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** RFC 5280 5.3.1 certificateHold. Refused as 'invalid-state' unless it is valid. */
    hold: write(
      (db, slot: { id: string; at: number }) =>
        db
          .updateTable('certificate')
          .set({ status: 'held', revokedAt: slot.at, revocationReason: 6 })
          .where('id', '=', slot.id)
          .where('status', '=', 'valid'),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Ends a hold. Refused as 'invalid-state' unless it is held. */
    release: write(
      (db, slot: { id: string }) =>
        db
          .updateTable('certificate')
          .set({ status: 'valid', revokedAt: null, revocationReason: null, invalidityDate: null })
          .where('id', '=', slot.id)
          .where('status', '=', 'held'),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /**
     * What a CRL lists: revoked or held, and not expired before `notExpiredBefore`. RFC 5280 3.3: an entry stays on at
     * least one CRL issued after the certificate's end, so give the time of the last CRL.
     */
    revocations: read((db, slot: { issuerId: string; crlPartition: number; notExpiredBefore: number }) =>
      db
        .selectFrom('certificate')
        .select(['serialNumber', 'status', 'revokedAt', 'revocationReason', 'invalidityDate'])
        .where('issuerId', '=', slot.issuerId)
        .where('crlPartition', '=', slot.crlPartition)
        .where('status', '<>', valid)
        .where('notAfter', '>=', slot.notExpiredBefore)
        .orderBy('revokedAt')
        .orderBy('id'),
    ),
  };
}
