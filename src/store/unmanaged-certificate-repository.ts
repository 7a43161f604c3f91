/** What unmanaged CAs have issued, as far as they have reported it: inventory, which authenticates nobody. */
import { type ExpressionBuilder, sql } from 'kysely';
import { containsText } from './contains-text.js';
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface UnmanagedCertificateRecord {
  readonly unmanagedCaId: string;
  /** Lower-case hex; unique within the CA. */
  readonly serialNumber: string;
  /** SHA-256 of the SubjectPublicKeyInfo that has signed it, hex. */
  readonly issuerKey: string;
  /** RFC 4514 text. */
  readonly subject: string;
  /** What it is searched by, beside the subject. */
  readonly names: string;
  /** Epoch milliseconds, as are the other times. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of the certificate, hex. */
  readonly fingerprint: string;
  readonly der: Uint8Array;
  readonly status: 'valid' | 'revoked';
  readonly revokedAt: number | null;
  /** CRLReason (RFC 5280 5.3.1). */
  readonly revocationReason: number | null;
  readonly reportedAt: number;
}

interface UnmanagedCertificateFilter {
  readonly unmanagedCaId: string;
  /** Part of the subject or an alternative name; letters A to Z in either case. */
  readonly search?: string;
  readonly descending?: boolean;
  /** The serial number of the last one of the page before. */
  readonly after?: string;
  readonly limit: number;
}

export function createUnmanagedCertificateRepository(database: Database) {
  const { write, find, list } = database.tables<{ unmanagedCertificate: UnmanagedCertificateRecord }>();

  return {
    /** One that is on record stays as it is. Refused as 'invalid-state' where that is another one of the same serial number. */
    insert: write(
      (db, slot: UnmanagedCertificateRecord) =>
        db
          .insertInto('unmanagedCertificate')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) =>
            conflict
              .columns(['unmanagedCaId', 'serialNumber'])
              .doUpdateSet((row) => ({ reportedAt: row.ref('unmanagedCertificate.reportedAt') }))
              .whereRef('unmanagedCertificate.fingerprint', '=', 'excluded.fingerprint'),
          ),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** What was revoked before keeps its time and reason, but for a hold. Refused as 'not-found' where it is not on record. */
    revoke: write(
      (
        db,
        slot: Pick<UnmanagedCertificateRecord, 'unmanagedCaId' | 'serialNumber' | 'revokedAt' | 'revocationReason'>,
      ) =>
        db
          .updateTable('unmanagedCertificate')
          .set((row) => ({
            status: 'revoked' as const,
            revokedAt: row.case().when(isFinal(row)).then(row.ref('revokedAt')).else(slot.revokedAt).end(),
            revocationReason: row
              .case()
              .when(isFinal(row))
              .then(row.ref('revocationReason'))
              .else(slot.revocationReason)
              .end(),
          }))
          .where('unmanagedCaId', '=', slot.unmanagedCaId)
          .where('serialNumber', '=', slot.serialNumber),
      { rows: 1, otherwise: 'not-found' },
    ),

    /** Ends a hold. */
    release: write((db, slot: { unmanagedCaId: string; serialNumber: string }) =>
      db
        .updateTable('unmanagedCertificate')
        .set({ status: 'valid', revokedAt: null, revocationReason: null })
        .where('unmanagedCaId', '=', slot.unmanagedCaId)
        .where('serialNumber', '=', slot.serialNumber)
        .where('revocationReason', '=', certificateHold),
    ),

    countOf: find((db, slot: { unmanagedCaId: string }) =>
      db
        .selectFrom('unmanagedCertificate')
        .select((row) => row.fn.countAll<number>().as('count'))
        .where('unmanagedCaId', '=', slot.unmanagedCaId),
    ),

    findBySerial: find((db, slot: { unmanagedCaId: string; serialNumber: string }) =>
      db
        .selectFrom('unmanagedCertificate')
        .select(columns)
        .where('unmanagedCaId', '=', slot.unmanagedCaId)
        .where('serialNumber', '=', slot.serialNumber),
    ),

    /** A page of those that fit every given filter, by serial number. */
    list: ({ unmanagedCaId, search, descending = false, after, limit }: UnmanagedCertificateFilter) =>
      list((db) => {
        let query = db.selectFrom('unmanagedCertificate').select(columns).where('unmanagedCaId', '=', unmanagedCaId);
        if (search !== undefined) {
          query = query.where((row) =>
            row.or([containsText(row.ref('subject'), search), containsText(row.ref('names'), search)]),
          );
        }
        if (after !== undefined) query = query.where('serialNumber', descending ? '<' : '>', after);
        return query.orderBy('serialNumber', descending ? 'desc' : 'asc').limit(limit);
      }),

    /** What a CRL needs to know of those after a serial number, by it: only of their state. */
    states: ({ unmanagedCaId, after, limit }: { unmanagedCaId: string; after: string; limit: number }) =>
      list((db) =>
        db
          .selectFrom('unmanagedCertificate')
          .select(['serialNumber', 'status', 'revocationReason'])
          .where('unmanagedCaId', '=', unmanagedCaId)
          .where('serialNumber', '>', after)
          .orderBy('serialNumber')
          .limit(limit),
      ),
  };
}

type Row = ExpressionBuilder<{ unmanagedCertificate: UnmanagedCertificateRecord }, 'unmanagedCertificate'>;

function isFinal(row: Row) {
  return row.and([row('status', '=', sql.lit('revoked')), row('revocationReason', '!=', sql.lit(certificateHold))]);
}

// RFC 5280 5.3.1.
const certificateHold = 6;

const columns = [
  'unmanagedCaId',
  'serialNumber',
  'issuerKey',
  'subject',
  'names',
  'notBefore',
  'notAfter',
  'fingerprint',
  'der',
  'status',
  'revokedAt',
  'revocationReason',
  'reportedAt',
] as const satisfies readonly (keyof UnmanagedCertificateRecord)[];
