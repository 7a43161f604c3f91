/** What CRLs list: one narrow row for each certificate that was revoked or held, written with the change of its status. */
import { sql } from 'kysely';
import type { CertificateRecord } from './certificate-record.js';
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface RevocationRecord {
  /** The generation of the CA that signed the certificate. */
  readonly issuerId: string;
  readonly partition: number;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** Epoch milliseconds, as are the other times; of a hold that has ended, when it did. */
  readonly revokedAt: number;
  /** CRLReason (RFC 5280 5.3.1). */
  readonly reason: number;
  /** RFC 5280 5.3.2: since when the key is suspected. */
  readonly invalidityDate: number | null;
  /** When the certificate ends. */
  readonly notAfter: number;
  /** The place of its last change among those of its partition, counted by `CrlRepository.revision`. */
  readonly change: number;
  /** 1 when a hold has ended: deltas say so, and full CRLs do not list it. */
  readonly removed: number;
}

/** A row before its change has a place. */
export type NewRevocationRecord = Omit<RevocationRecord, 'change'>;

interface Place {
  readonly issuerId: string;
  readonly partition: number;
}

export function createRevocationRepository(database: Database) {
  const { write, read, find } = database.tables<Tables>();
  return {
    /**
     * Takes over what a certificate's record says since it was revoked, held or released, `at` (epoch milliseconds). Goes into the
     * commit that changes it, after that and after `CrlRepository.markChanged`, whose number it gets.
     */
    follow: write((db, slot: { id: string; at: number }) =>
      db
        .insertInto('revocation')
        .columns(columns)
        .expression(
          db
            .selectFrom('certificate')
            .innerJoin('crlRevision', (join) =>
              join
                .onRef('crlRevision.issuerId', '=', 'certificate.issuerId')
                .onRef('crlRevision.partition', '=', 'certificate.crlPartition'),
            )
            .select((row) => [
              'certificate.issuerId',
              'certificate.crlPartition as partition',
              'certificate.serialNumber',
              sql<number>`coalesce(${row.ref('certificate.revokedAt')}, ${slot.at})`.as('revokedAt'),
              sql<number>`coalesce(${row.ref('certificate.revocationReason')}, 0)`.as('reason'),
              'certificate.invalidityDate',
              'certificate.notAfter',
              'crlRevision.number as change',
              sql<number>`case when ${row.ref('certificate.status')} = 'valid' then 1 else 0 end`.as('removed'),
            ])
            .where('certificate.id', '=', slot.id),
        )
        .onConflict((conflict) =>
          conflict.columns(['issuerId', 'serialNumber']).doUpdateSet((row) => ({
            revokedAt: row.ref('excluded.revokedAt'),
            reason: row.ref('excluded.reason'),
            invalidityDate: row.ref('excluded.invalidityDate'),
            notAfter: row.ref('excluded.notAfter'),
            change: row.ref('excluded.change'),
            removed: row.ref('excluded.removed'),
          })),
        ),
    ),

    /** The same for what no certificate is on record of; nothing if it is listed already. */
    record: write((db, slot: NewRevocationRecord) =>
      db
        .insertInto('revocation')
        .columns(columns)
        .expression(
          db
            .selectFrom('crlRevision')
            .select([
              sql<string>`${slot.issuerId}`.as('issuerId'),
              sql<number>`${slot.partition}`.as('partition'),
              sql<string>`${slot.serialNumber}`.as('serialNumber'),
              sql<number>`${slot.revokedAt}`.as('revokedAt'),
              sql<number>`${slot.reason}`.as('reason'),
              sql<number | null>`${slot.invalidityDate}`.as('invalidityDate'),
              sql<number>`${slot.notAfter}`.as('notAfter'),
              'crlRevision.number as change',
              sql<number>`${slot.removed}`.as('removed'),
            ])
            .where('crlRevision.issuerId', '=', slot.issuerId)
            .where('crlRevision.partition', '=', slot.partition),
        )
        .onConflict((conflict) => conflict.doNothing()),
    ),

    /** With its place already: of a generation that is new, after `CrlRepository.carryOn`. */
    insert: write((db, slot: RevocationRecord) => db.insertInto('revocation').values(slotsOf(slot, columns))),

    find: find((db, slot: { issuerId: string; serialNumber: string }) =>
      db
        .selectFrom('revocation')
        .select(columns)
        .where('issuerId', '=', slot.issuerId)
        .where('serialNumber', '=', slot.serialNumber),
    ),

    /** A part of what changed after `after` and up to `upTo`, in the order of the changes. */
    changes: read((db, slot: Place & { after: number; upTo: number; limit: number }) =>
      db
        .selectFrom('revocation')
        .select(columns)
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition)
        .where('change', '>', slot.after)
        .where('change', '<=', slot.upTo)
        .orderBy('change')
        .limit(slot.limit),
    ),

    /**
     * Forgets what no CRL lists any more, of the changes up to `change`, which are on a regular CRL: holds that have ended, and
     * certificates that had ended `before` (epoch milliseconds).
     */
    removeSpent: write((db, slot: Place & { change: number; before: number; limit: number }) =>
      db
        .deleteFrom('revocation')
        .where('issuerId', '=', slot.issuerId)
        .where('serialNumber', 'in', (row) =>
          row
            .selectFrom('revocation as spent')
            .select('spent.serialNumber')
            .where('spent.issuerId', '=', slot.issuerId)
            .where('spent.partition', '=', slot.partition)
            .where('spent.change', '<=', slot.change)
            .where((one) => one.or([one('spent.removed', '=', 1), one('spent.notAfter', '<', slot.before)]))
            .limit(slot.limit),
        ),
    ),
  };
}

interface Tables {
  revocation: RevocationRecord;
  certificate: CertificateRecord;
  crlRevision: { issuerId: string; partition: number; number: number };
}

const columns = [
  'issuerId',
  'partition',
  'serialNumber',
  'revokedAt',
  'reason',
  'invalidityDate',
  'notAfter',
  'change',
  'removed',
] as const;
