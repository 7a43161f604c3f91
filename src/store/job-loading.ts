/** Who reads the input of a job: one at a time, and another when that one is gone. */
import type { JobState } from '../model/job.js';
import type { Database } from './database.js';
import { jobColumns as columns, type JobRecord } from './job-record.js';

export function createJobLoading(database: Database) {
  const { write, read } = database.tables<{ job: JobRecord }>();
  const changed = { rows: 1, otherwise: 'invalid-state' } as const;

  return {
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
  };
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
