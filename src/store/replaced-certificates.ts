/** Certificates that were renewed, and when. */
import { sql } from 'kysely';
import { valid } from './certificate-counts.js';
import { type CertificateRecord, certificateColumns } from './certificate-record.js';
import type { Database } from './database.js';

interface ReplacedAt {
  /** When it was renewed first, epoch milliseconds: that its renewal still waits to be confirmed does not count. */
  readonly replacedAt: number | null;
}

export function createReplacedCertificates(database: Database) {
  const { write, read, find } = database.tables<{ certificate: CertificateRecord & ReplacedAt }>();

  return {
    /** `usage`: that of what renews it; a certificate of another usage takes nobody's place. */
    markReplaced: write((db, slot: { id: string; usage: CertificateRecord['usage']; at: number }) =>
      db
        .updateTable('certificate')
        .set({ replacedAt: slot.at })
        .where('id', '=', slot.id)
        .where('usage', '=', slot.usage)
        .where('usage', 'in', ['bootstrap', 'operational'])
        .where('replacedAt', 'is', null),
    ),

    /** It is in its place again, or was replaced to no purpose. */
    unmarkReplaced: write((db, slot: { id: string }) =>
      db.updateTable('certificate').set({ replacedAt: null }).where('id', '=', slot.id),
    ),

    /** Those of a policy that were replaced `by` then (epoch milliseconds) and are neither revoked nor held, expired ones too. */
    replacedOfPolicy: read((db, slot: { policy: string; by: number; limit: number }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('policy', '=', slot.policy)
        // In the words of certificate_replaced, so that SQLite sees that the index has them all.
        .where(sql<boolean>`replaced_at is not null`)
        .where('status', '=', valid)
        .where('replacedAt', '<=', slot.by)
        .orderBy('replacedAt')
        .limit(slot.limit),
    ),

    /**
     * A certificate that has taken its place for good: confirmed, and not revoked but for a renewal of its own.
     */
    findSuccessor: find((db, slot: { id: string; deviceId: string }) =>
      db
        .selectFrom('certificate')
        .select('id')
        .where('deviceId', '=', slot.deviceId)
        .where('replaces', '=', slot.id)
        .where('confirmBy', 'is', null)
        .where((row) => row.or([row('status', '<>', 'revoked'), row('revocationReason', '=', superseded)]))
        .orderBy('issuedAt')
        .limit(1),
    ),
  };
}

/** CRLReason (RFC 5280 5.3.1). */
const superseded = 4;

const columns = [...certificateColumns, 'replacedAt'] as const;
