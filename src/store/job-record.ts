/** What the store keeps of jobs and their rows. Times are epoch milliseconds. */
import type { JobKindName, JobRowState, JobState } from '../model/job.js';

export interface JobRecord {
  readonly id: string;
  readonly kind: JobKindName;
  readonly division: string;
  /** What people call it. */
  readonly name: string | null;
  /** JSON text. */
  readonly options: string;
  /** JSON text: what its rows are made from when it runs, in place of an input. */
  readonly selection: string | null;
  readonly state: JobState;
  /** Why the gateway has paused it. */
  readonly problem: string | null;
  /** 1: it starts as soon as it has its rows. */
  readonly startsByItself: number;
  /** JSON text of the actor. */
  readonly createdBy: string;
  /** JSON text of the actor on whose behalf its rows are done: who has submitted it, or started or resumed it last. */
  readonly runsFor: string;
  readonly createdAt: number;
  readonly startedAt: number | null;
  /** When it was finished or cancelled. */
  readonly finishedAt: number | null;
  readonly inputName: string | null;
  readonly inputFormat: 'csv' | 'jsonl' | null;
  /** JSON text: the columns of its input in their order; null until it has all its rows. */
  readonly inputColumns: string | null;
  /** Who reads its rows, and until when that holds. */
  readonly loader: string | null;
  readonly loaderUntil: number | null;
  /** The key that the rows' keys are sealed under, itself sealed. */
  readonly sealedJobKey: Uint8Array | null;
  readonly keysDestroyedAt: number | null;
  /** JSON text: how the archive of its certificates and keys is protected. */
  readonly archive: string | null;
  /** Since when it is only there for its rows to be removed. */
  readonly deletedAt: number | null;
}

export interface JobProgressRecord {
  readonly jobId: string;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** JSON text: pairs of a time and how many rows were done or failed then, of the last minute that it ran. */
  readonly samples: string;
}

/** A job and how far it is. */
export type JobOverview = JobRecord & Omit<JobProgressRecord, 'jobId'>;

export interface JobRowRecord {
  readonly jobId: string;
  /** 1 for the first. */
  readonly row: number;
  readonly state: JobRowState;
  /** JSON text: the row as JSON Lines have it, or its cells by their columns; the job's `inputFormat` tells which. */
  readonly input: string;
  /** JSON text. */
  readonly result: string | null;
  readonly errorCode: string | null;
  readonly reason: string | null;
  readonly doneAt: number | null;
  /** DER. */
  readonly certificate: Uint8Array | null;
  /** PKCS #8 under the job's key. */
  readonly sealedKey: Uint8Array | null;
}

export interface JobFilter {
  /** One of these; all when absent. */
  readonly divisions?: readonly string[];
  readonly kind?: JobKindName;
  readonly state?: JobState;
  /** The name of the actor that has submitted it. */
  readonly createdBy?: string;
  /** A part of the name, in upper or lower case. */
  readonly search?: string;
  readonly order: JobOrder;
  /** The last job of the page before. */
  readonly after?: JobPlace;
  /** The last one to look at. */
  readonly upTo?: JobPlace;
  /** The size of a page. */
  readonly limit: number;
}

/** Jobs have their ids in the order in which they were submitted. */
export interface JobOrder {
  readonly by: 'name' | 'createdAt';
  readonly descending: boolean;
}

export interface JobPlace {
  /** Empty for a job without. */
  readonly name: string;
  readonly id: string;
}

export const jobColumns = [
  'id',
  'kind',
  'division',
  'name',
  'options',
  'selection',
  'state',
  'problem',
  'startsByItself',
  'createdBy',
  'runsFor',
  'createdAt',
  'startedAt',
  'finishedAt',
  'inputName',
  'inputFormat',
  'inputColumns',
  'loader',
  'loaderUntil',
  'sealedJobKey',
  'keysDestroyedAt',
  'archive',
  'deletedAt',
] as const satisfies readonly (keyof JobRecord)[];

/** With how far it is; of `job` joined with `job_progress`. */
export const jobWithProgress = [
  ...jobColumns.map((column) => `job.${column}` as const),
  'jobProgress.total',
  'jobProgress.done',
  'jobProgress.failed',
  'jobProgress.samples',
] as const;
