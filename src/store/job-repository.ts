/** Jobs: their states, who has them in hand, and how far they are. */
import type { JobState } from '../model/job.js';
import type { Database } from './database.js';
import { createJobLists } from './job-lists.js';
import { createJobLoading } from './job-loading.js';
import {
  jobColumns as columns,
  type JobProgressRecord,
  type JobRecord,
  type JobRowRecord,
  jobWithProgress,
} from './job-record.js';
import { slotsOf } from './query.js';

export function createJobRepository(database: Database) {
  const { write, read, find } = database.tables<Tables>();
  const changed = { rows: 1, otherwise: 'invalid-state' } as const;

  return {
    ...createJobLists(database),
    ...createJobLoading(database),
    insert: write((db, slot: JobRecord) => db.insertInto('job').values(slotsOf(slot, columns))),
    insertProgress: write((db, slot: JobProgressRecord) =>
      db.insertInto('jobProgress').values(slotsOf(slot, ['jobId', 'total', 'done', 'failed', 'samples'])),
    ),

    /** With how far it is; not what is deleted. */
    findById: find((db, slot: { id: string }) =>
      db
        .selectFrom('job')
        .innerJoin('jobProgress', 'jobProgress.jobId', 'job.id')
        .select(jobWithProgress)
        .where('job.id', '=', slot.id)
        .where('job.deletedAt', 'is', null),
    ),

    /** Those to be worked on: the oldest of each division, then the second of each, and so on. */
    runnable: read((db, slot: { limit: number }) =>
      db
        .with('waiting', (queries) =>
          queries
            .selectFrom('job')
            .select((row) => [
              'id',
              row.fn
                .agg<number>('row_number')
                .over((over) => over.partitionBy('division').orderBy('id'))
                .as('place'),
            ])
            .where('state', 'in', ['ready', 'running'])
            .where('deletedAt', 'is', null),
        )
        .selectFrom('waiting')
        .innerJoin('job', 'job.id', 'waiting.id')
        .select(columns.map((column) => `job.${column}` as const))
        .orderBy('waiting.place')
        .orderBy('waiting.id')
        .limit(slot.limit),
    ),

    /** Those of a division that have not ended, up to the limit. */
    unended: read((db, slot: { division: string; limit: number }) =>
      db
        .selectFrom('job')
        .select('id')
        .where('division', '=', slot.division)
        .where('state', 'in', ['draft', 'loading', 'ready', 'running', 'paused'])
        .limit(slot.limit),
    ),

    deleted: read((db, slot: { limit: number }) =>
      db
        .selectFrom('job')
        .innerJoin('jobProgress', 'jobProgress.jobId', 'job.id')
        .select(['job.id', 'jobProgress.total'])
        .where('job.deletedAt', 'is not', null)
        .limit(slot.limit),
    ),

    /** Refused as 'invalid-state' unless it is in the state `from`. */
    setState: write(
      (db, slot: { id: string; from: JobState; to: JobState; problem: string | null }) =>
        db
          .updateTable('job')
          .set({ state: slot.to, problem: slot.problem })
          .where('id', '=', slot.id)
          .where('state', '=', slot.from)
          .where('deletedAt', 'is', null),
      changed,
    ),

    /**
     * By the gateway, which says why. Refused as 'invalid-state' unless it is ready or runs, and still for whom it was seen to:
     * who resumes it meanwhile is not meant.
     */
    pause: write(
      (db, slot: { id: string; runsFor: string; problem: string }) =>
        db
          .updateTable('job')
          .set({ state: 'paused', problem: slot.problem })
          .where('id', '=', slot.id)
          .where('state', 'in', ['ready', 'running'])
          .where('runsFor', '=', slot.runsFor)
          .where('deletedAt', 'is', null),
      changed,
    ),

    setRunsFor: write((db, slot: { id: string; runsFor: string }) =>
      db.updateTable('job').set({ runsFor: slot.runsFor }).where('id', '=', slot.id),
    ),

    /** It is being worked on from now. Refused as 'invalid-state' unless it is ready. */
    run: write(
      (db, slot: { id: string; at: number }) =>
        db
          .updateTable('job')
          .set((row) => ({ state: 'running', startedAt: row.fn.coalesce('startedAt', row.val(slot.at)) }))
          .where('id', '=', slot.id)
          .where('state', '=', 'ready'),
      changed,
    ),

    /** Refused as 'invalid-state' unless it is in the state `from`. */
    cancel: write(
      (db, slot: { id: string; from: JobState; at: number }) =>
        db
          .updateTable('job')
          .set({ state: 'cancelled', finishedAt: slot.at, loader: null, loaderUntil: null })
          .where('id', '=', slot.id)
          .where('state', '=', slot.from),
      changed,
    ),

    /** Refused as 'invalid-state' unless it runs, and no row waits. */
    finish: write(
      (db, slot: { id: string; at: number }) =>
        db
          .updateTable('job')
          .set({ state: 'finished', finishedAt: slot.at })
          .where('id', '=', slot.id)
          .where('state', '=', 'running')
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('jobRow')
                  .select('jobRow.row')
                  .where('jobRow.jobId', '=', slot.id)
                  .where('jobRow.state', '=', 'waiting'),
              ),
            ),
          ),
      changed,
    ),

    /** Refused as 'invalid-state' unless it has ended, or has never had rows. */
    markDeleted: write(
      (db, slot: { id: string; at: number }) =>
        db
          .updateTable('job')
          .set({ deletedAt: slot.at })
          .where('id', '=', slot.id)
          .where('state', 'in', ['draft', 'cancelled', 'finished'])
          .where('deletedAt', 'is', null),
      changed,
    ),
    remove: write((db, slot: { id: string }) =>
      db.deleteFrom('job').where('id', '=', slot.id).where('deletedAt', 'is not', null),
    ),
    removeProgress: write((db, slot: { id: string }) => db.deleteFrom('jobProgress').where('jobId', '=', slot.id)),

    /** Counts rows that are there, done and failed: with the change that makes them so. */
    count: write(
      (db, slot: { id: string; total: number; done: number; failed: number }) =>
        db
          .updateTable('jobProgress')
          .set((row) => ({
            total: row('total', '+', slot.total),
            done: row('done', '+', slot.done),
            failed: row('failed', '+', slot.failed),
          }))
          .where('jobId', '=', slot.id),
      { rows: 1, otherwise: 'invalid-state' },
    ),
    resetCount: write((db, slot: { id: string }) =>
      db.updateTable('jobProgress').set({ total: 0, done: 0, failed: 0 }).where('jobId', '=', slot.id),
    ),
    setSamples: write((db, slot: { id: string; samples: string }) =>
      db.updateTable('jobProgress').set({ samples: slot.samples }).where('jobId', '=', slot.id),
    ),
  };
}

interface Tables {
  job: JobRecord;
  jobProgress: JobProgressRecord;
  jobRow: JobRowRecord;
}
