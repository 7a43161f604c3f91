/** Lists of jobs that people look through. */
import { type Expression, type SqlBool, sql } from 'kysely';
import { containsText } from './contains-text.js';
import type { Database } from './database.js';
import {
  type JobFilter,
  type JobOrder,
  type JobPlace,
  type JobProgressRecord,
  type JobRecord,
  jobWithProgress,
} from './job-record.js';

export function createJobLists(database: Database) {
  const { list } = database.tables<{ job: JobRecord; jobProgress: JobProgressRecord }>();

  /** The name in the actor. */
  function submitter() {
    const actor = database.dialect === 'sqlite' ? sql.ref('job.createdBy') : sql`${sql.ref('job.createdBy')}::json`;
    return sql<string>`${actor} ->> 'name'`;
  }

  return {
    /** A page of those that fit every given filter. */
    list: ({ divisions, kind, state, createdBy, search, order, after, upTo, limit }: JobFilter) =>
      list((db) => {
        let query = db
          .selectFrom('job')
          .innerJoin('jobProgress', 'jobProgress.jobId', 'job.id')
          .select(jobWithProgress)
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
