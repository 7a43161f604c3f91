/** The rows of jobs, and what each ended with. */
import { sql } from 'kysely';
import type { JobRowState } from '../model/job.js';
import type { Database } from './database.js';
import type { JobRowRecord } from './job-record.js';
import { slotsOf } from './query.js';

export interface JobRowFilter {
  readonly jobId: string;
  readonly state?: JobRowState;
  /** The last row of the page before; 0 for the first page. */
  readonly after: number;
  /** The size of a page. */
  readonly limit: number;
}

export function createJobRowRepository(database: Database) {
  const { write, list } = database.tables<{ jobRow: JobRowRecord }>();

  return {
    insert: write((db, slot: NewRow) =>
      db
        .insertInto('jobRow')
        .values(slotsOf(slot, ['jobId', 'row', 'state', 'input', 'errorCode', 'reason', 'doneAt'])),
    ),

    /** A page, in order; without certificates and keys. */
    list: ({ jobId, state, after, limit }: JobRowFilter) =>
      list((db) => {
        const query = db.selectFrom('jobRow').select(shown).where('jobId', '=', jobId).where('row', '>', after);
        return (state === undefined ? query : query.where('state', '=', state)).orderBy('row').limit(limit);
      }),

    /** How much the rows of that page are, without reading them. */
    sizes: ({ jobId, state, after, limit }: JobRowFilter) =>
      list((db) => {
        const query = db
          .selectFrom('jobRow')
          .select(
            sql<number>`octet_length(${sql.ref('input')}) + coalesce(octet_length(${sql.ref('result')}), 0)`.as(
              'octets',
            ),
          )
          .where('jobId', '=', jobId)
          .where('row', '>', after);
        return (state === undefined ? query : query.where('state', '=', state)).orderBy('row').limit(limit);
      }),

    /** Refused as 'invalid-state' unless it waits: no row is done twice. */
    complete: write(
      (db, slot: CompletedRow) =>
        db
          .updateTable('jobRow')
          .set({
            state: 'done',
            result: slot.result,
            doneAt: slot.doneAt,
            certificate: slot.certificate,
            sealedKey: slot.sealedKey,
          })
          .where('jobId', '=', slot.jobId)
          .where('row', '=', slot.row)
          .where('state', '=', 'waiting'),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Refused as 'invalid-state' unless it waits. */
    fail: write(
      (db, slot: { jobId: string; row: number; errorCode: string; reason: string; doneAt: number }) =>
        db
          .updateTable('jobRow')
          .set({ state: 'failed', errorCode: slot.errorCode, reason: slot.reason, doneAt: slot.doneAt })
          .where('jobId', '=', slot.jobId)
          .where('row', '=', slot.row)
          .where('state', '=', 'waiting'),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Those up to a row: a part at a time, so that other writes are not kept waiting. */
    remove: write((db, slot: { jobId: string; upTo: number }) =>
      db.deleteFrom('jobRow').where('jobId', '=', slot.jobId).where('row', '<=', slot.upTo),
    ),
  };
}

type NewRow = Pick<JobRowRecord, 'jobId' | 'row' | 'state' | 'input' | 'errorCode' | 'reason' | 'doneAt'>;
type CompletedRow = Pick<JobRowRecord, 'jobId' | 'row' | 'result' | 'doneAt' | 'certificate' | 'sealedKey'>;

/** A row as lists and results show it. */
export type ShownJobRow = Pick<JobRowRecord, (typeof shown)[number]>;

const shown = ['row', 'state', 'input', 'result', 'errorCode', 'reason', 'doneAt'] as const;
