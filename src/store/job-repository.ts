/** Jobs: their states, who has them in hand, and how far they are. */
import { type Expression, type SqlBool, sql } from 'kysely';
import type { JobState } from '../model/job.js';
import { containsText } from './contains-text.js';
import type { Database } from './database.js';
import {
  jobColumns as columns,
  type JobFilter,
  type JobOrder,
  type JobPlace,
  type JobProgressRecord,
  type JobRecord,
  type JobRowRecord,
} from './job-record.js';
import { slotsOf } from './query.js';

export function createJobRepository(database: Database) {
  const { write, read, find, list } = database.tables<Tables>();
  const changed = { rows: 1, otherwise: 'invalid-state' } as const;

  /** The name in the actor. */
  function submitter() {
    const actor = database.dialect === 'sqlite' ? sql.ref('job.createdBy') : sql`${sql.ref('job.createdBy')}::json`;
    return sql<string>`${actor} ->> 'name'`;
  }

  return {
    insert: write((db, slot: JobRecord) => db.insertInto('job').values(slotsOf(slot, columns))),
    insertProgress: write((db, slot: JobProgressRecord) =>
      db.insertInto('jobProgress').values(slotsOf(slot, ['jobId', 'total', 'done', 'failed', 'samples'])),
    ),

    /** With how far it is; not what is deleted. */
    findById: find((db, slot: { id: string }) =>
      db
        .selectFrom('job')
        .innerJoin('jobProgress', 'jobProgress.jobId', 'job.id')
        .select([...qualified, ...progress])
        .where('job.id', '=', slot.id)
        .where('job.deletedAt', 'is', null),
    ),

    /** A page of those that fit every given filter. */
    list: ({ divisions, kind, state, createdBy, search, order, after, upTo, limit }: JobFilter) =>
      list((db) => {
        let query = db
          .selectFrom('job')
          .innerJoin('jobProgress', 'jobProgress.jobId', 'job.id')
          .select([...qualified, ...progress])
          .where('job.deletedAt', 'is', null);
        query = divisions === undefined ? query : query.where(unindexed('job.division'), 'in', divisions);
        query = kind === undefined ? query : query.where('job.kind', '=', kind);
        query = state === undefined ? query : query.where(unindexed('job.state'), '=', state);
        if (createdBy !== undefined) query = query.where(submitter(), '=', createdBy);
        if (search !== undefined) query = query.where((row) => containsText(row.ref('job.name'), search));
        if (after !== undefined) query = query.where(isBeyond(order, after));
        if (upTo !== undefined) query = query.where(isWithin(order, upTo));
        const direction = order.descending ? 'desc' : 'asc';
        if (order.by === 'name') query = query.orderBy(nameOfJob(), direction);
        return query.orderBy('job.id', direction).limit(limit);
      }),

    /** Where a part of so many ends, whatever else they are; undefined if there are no more. */
    endOfPart: async (order: JobOrder, after: JobPlace | undefined, size: number): Promise<JobPlace | undefined> => {
      const [end] = await list((db) => {
        let query = db.selectFrom('job').select(['job.id', nameOfJob().as('name')]);
        if (after !== undefined) query = query.where(isBeyond(order, after));
        const direction = order.descending ? 'desc' : 'asc';
        if (order.by === 'name') query = query.orderBy(nameOfJob(), direction);
        return query
          .orderBy('job.id', direction)
          .limit(1)
          .offset(size - 1);
      });
      return end;
    },

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
        .select(qualified)
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

    /** Those whose reader is gone. */
    abandoned: read((db, slot: { now: number }) =>
      db
        .selectFrom('job')
        .select(columns)
        .where('state', '=', 'loading')
        .where('loaderUntil', '<=', slot.now)
        .orderBy('id')
        .limit(100),
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

    /** Refused as 'invalid-state' unless it is in the state `from`: for another loader than this one it is none. */
    beginLoading: write(
      (db, slot: { id: string; from: JobState; loader: string; until: number }) =>
        db
          .updateTable('job')
          .set({ state: 'loading', loader: slot.loader, loaderUntil: slot.until })
          .where('id', '=', slot.id)
          .where('state', '=', slot.from)
          .where('deletedAt', 'is', null),
      changed,
    ),

    /** Guard: refuses the change as 'invalid-state' unless this loader still has it; it has it until then, afterwards. */
    keepLoading: write(
      (db, slot: { id: string; loader: string; until: number }) =>
        db
          .updateTable('job')
          .set({ loaderUntil: slot.until })
          .where('id', '=', slot.id)
          .where('state', '=', 'loading')
          .where('loader', '=', slot.loader),
      changed,
    ),

    /** Takes the place of a loader that is gone. Refused as 'invalid-state' if it is not. */
    takeLoading: write(
      (db, slot: { id: string; loader: string; until: number; now: number }) =>
        db
          .updateTable('job')
          .set({ loader: slot.loader, loaderUntil: slot.until })
          .where('id', '=', slot.id)
          .where('state', '=', 'loading')
          .where('loaderUntil', '<=', slot.now),
      changed,
    ),

    /** All rows are there, or none. Refused as 'invalid-state' unless this loader has it. */
    endLoading: write(
      (db, slot: Loaded) =>
        db
          .updateTable('job')
          .set({
            state: slot.to,
            problem: slot.problem,
            inputName: slot.inputName,
            inputFormat: slot.inputFormat,
            inputColumns: slot.inputColumns,
            loader: null,
            loaderUntil: null,
          })
          .where('id', '=', slot.id)
          .where('state', '=', 'loading')
          .where('loader', '=', slot.loader),
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

/** An expression, so that SQLite goes along the order: by another index it would look at all that fit, and sort them. */
function unindexed(column: 'job.division' | 'job.state') {
  return sql<string>`${sql.ref(column)} || ''`;
}

/** In the words of job_name, so that the index is found. */
function nameOfJob() {
  return sql<string>`coalesce(${sql.ref('job.name')}, '')`;
}

function isBeyond({ by, descending }: JobOrder, place: JobPlace): Expression<SqlBool> {
  const [row, end] = by === 'name' ? named(place) : [sql.ref('job.id'), sql`${place.id}`];
  return descending ? sql<SqlBool>`${row} < ${end}` : sql<SqlBool>`${row} > ${end}`;
}

function isWithin({ by, descending }: JobOrder, place: JobPlace): Expression<SqlBool> {
  const [row, end] = by === 'name' ? named(place) : [sql.ref('job.id'), sql`${place.id}`];
  return descending ? sql<SqlBool>`${row} >= ${end}` : sql<SqlBool>`${row} <= ${end}`;
}

function named({ name, id }: JobPlace) {
  return [sql`(${nameOfJob()}, ${sql.ref('job.id')})`, sql`(${name}, ${id})`] as const;
}

interface Tables {
  job: JobRecord;
  jobProgress: JobProgressRecord;
  jobRow: JobRowRecord;
}

interface Loaded {
  readonly id: string;
  readonly loader: string;
  readonly to: JobState;
  readonly problem: string | null;
  readonly inputName: string | null;
  readonly inputFormat: 'csv' | 'jsonl' | null;
  readonly inputColumns: string | null;
}

const qualified = columns.map((column) => `job.${column}` as const);
const progress = ['jobProgress.total', 'jobProgress.done', 'jobProgress.failed', 'jobProgress.samples'] as const;
