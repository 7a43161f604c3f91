/** The rows of jobs, and what each ended with. */
import { type QueryCreator, sql } from 'kysely';
import type { JobRowState } from '../model/job.js';
import type { Database } from './database.js';
import type { JobRowRecord } from './job-record.js';
import { slotsOf } from './query.js';

export interface JobRowFilter {
  readonly jobId: string;
  readonly state?: JobRowState;
  /** From last to first. */
  readonly descending?: boolean;
  /** The last row of the page before; absent, or 0 if ascending, for the first page. */
  readonly after?: number;
  /** The size of a page. */
  readonly limit: number;
}

export function createJobRowRepository(database: Database) {
  const { write, list } = database.tables<Tables>();

  return {
    insert: write((db, slot: NewRow) =>
      db
        .insertInto('jobRow')
        .values(slotsOf(slot, ['jobId', 'row', 'state', 'input', 'errorCode', 'reason', 'doneAt'])),
    ),

    /** A page, in order; without certificates and keys. */
    list: (filter: JobRowFilter) => list((db) => pageOf(db, filter).select(shown)),

    /** How much the rows of that page are, without reading them. */
    sizes: (filter: JobRowFilter) =>
      list((db) =>
        pageOf(db, filter).select(
          sql<number>`octet_length(${sql.ref('input')}) + coalesce(octet_length(${sql.ref('result')}), 0)`.as('octets'),
        ),
      ),

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

interface Tables {
  jobRow: JobRowRecord;
}

function pageOf(db: QueryCreator<Tables>, { jobId, state, descending = false, after, limit }: JobRowFilter) {
  let query = db.selectFrom('jobRow').where('jobId', '=', jobId);
  if (after !== undefined) query = query.where('row', descending ? '<' : '>', after);
  if (state !== undefined) query = query.where('state', '=', state);
  return query.orderBy('row', descending ? 'desc' : 'asc').limit(limit);
}

type NewRow = Pick<JobRowRecord, 'jobId' | 'row' | 'state' | 'input' | 'errorCode' | 'reason' | 'doneAt'>;
type CompletedRow = Pick<JobRowRecord, 'jobId' | 'row' | 'result' | 'doneAt' | 'certificate' | 'sealedKey'>;

/** A row as lists and results show it. */
export type ShownJobRow = Pick<JobRowRecord, (typeof shown)[number]>;

const shown = ['row', 'state', 'input', 'result', 'errorCode', 'reason', 'doneAt'] as const;
