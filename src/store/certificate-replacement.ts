/** Certificates that their operator wants replaced before their time (RFC 9773). */
import { type ExpressionBuilder, sql } from 'kysely';
import { valid } from './certificate-counts.js';
import { type CertificateRecord, certificateColumns } from './certificate-record.js';
import type { Statement } from './change.js';
import type { Database } from './database.js';

export interface ReplacementRecord {
  /** Until when it is to be replaced, epoch milliseconds; null where that is not planned. */
  readonly replaceBy: number | null;
  /** When that was decided, epoch milliseconds. */
  readonly replacementPlannedAt: number | null;
  /** Where its holder can read why. */
  readonly explanationUrl: string | null;
}

/** Which certificates to replace: those that fit every given condition. */
export interface ReplacementSelection {
  /** One certificate. */
  readonly id?: string;
  readonly policy?: string;
  readonly profile?: string;
  /** A generation. */
  readonly issuerId?: string;
  /** Epoch milliseconds. */
  readonly issuedBefore?: number;
}

/** A part of those that a selection stands for, in the order of their ids. */
export interface ReplacementBatch {
  readonly selection: ReplacementSelection;
  /** Epoch milliseconds: what has expired by then has no need of a plan. */
  readonly at: number;
  /** Where the batch before has ended. */
  readonly after: string;
}

export function createCertificateReplacement(database: Database) {
  const { write, find, list } = database.tables<Tables>();

  return {
    findWithReplacement: find((db, slot: { id: string }) =>
      db.selectFrom('certificate').select(columns).where('id', '=', slot.id),
    ),

    /** The ids of a batch; with `isPlanned` only those that have a plan. */
    idsToReplace: async (batch: ReplacementBatch & { readonly isPlanned: boolean; readonly limit: number }) => {
      const found = await list((db) => {
        const query = db
          .selectFrom('certificate')
          .select('id')
          .where((row) => isSelected(row, batch));
        const some = batch.isPlanned ? query.where('replaceBy', 'is not', null) : query;
        return some.orderBy('id').limit(batch.limit);
      });
      return found.map(({ id }) => id);
    },

    /**
     * Writes a plan, or takes it back where it is null, for the batch that ends with `last`. Refused as 'unavailable' when that
     * are not `count` certificates: it has changed since.
     */
    setReplacement: (
      batch: ReplacementBatch & { readonly last: string; readonly count: number },
      plan: ReplacementRecord,
    ): Statement =>
      write<Record<never, never>>(
        (db) => {
          const update = db
            .updateTable('certificate')
            .set({ ...plan })
            .where((row) => isSelected(row, batch))
            .where('id', '<=', batch.last);
          return plan.replaceBy === null ? update.where('replaceBy', 'is not', null) : update;
        },
        { rows: batch.count, otherwise: 'unavailable' },
      )({}),
  };
}

interface Tables {
  certificate: CertificateRecord & ReplacementRecord;
}

/**
 * The gateway replaces its own certificates by itself, and those of its CAs otherwise. Expressions in place of some columns, so
 * that SQLite goes along the ids: by an index of the others it would find all of a policy's certificates anew for each batch.
 */
function isSelected(row: ExpressionBuilder<Tables, 'certificate'>, { selection, at, after }: ReplacementBatch) {
  const { id, policy, profile, issuerId, issuedBefore } = selection;
  return row.and([
    row('id', '>', after),
    row('status', '=', valid),
    row('notAfter', '>=', at),
    row('usage', '<>', 'service'),
    row('policy', '<>', ''),
    ...(id === undefined ? [] : [row('id', '=', id)]),
    ...(policy === undefined ? [] : [row(sql`${sql.ref('policy')} || ''`, '=', policy)]),
    ...(profile === undefined ? [] : [row('profile', '=', profile)]),
    ...(issuerId === undefined ? [] : [row('issuerId', '=', issuerId)]),
    ...(issuedBefore === undefined ? [] : [row(sql`${sql.ref('issuedAt')} + 0`, '<', issuedBefore)]),
  ]);
}

const columns = [...certificateColumns, 'replaceBy', 'replacementPlannedAt', 'explanationUrl'] as const;
