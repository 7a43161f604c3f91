/** Writes the rows of a job, all of them or none: whoever reads them has the job in hand for a while, and says so again and again. */
import { createIdentifier } from '../identifier.js';
import type { JobState } from '../model/job.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { JobRecord } from '../store/job-record.js';
import type { InputRow } from './input/read-rows.js';
import type { JobServices } from './services.js';

/** A job whose reader is not heard of for so long is given up, and its rows are removed. */
export const loaderMilliseconds = 20_000;
const renewalMilliseconds = 5_000;
const rowsInCommit = 500;
/** Rows may be long: a commit has no more than this and one of them. */
const octetsInCommit = 1_048_576;
const removedInCommit = 2_000;

interface Loading {
  readonly job: Pick<JobRecord, 'id'>;
  readonly from: 'draft' | 'ready';
  readonly rows: AsyncIterable<InputRow>;
  /** What is known of the input when all of it is read. */
  readonly loaded: (count: LoadedRows) => Loaded;
}

export interface LoadedRows {
  readonly total: number;
  /** Of them, those that do not fit the kind of job. */
  readonly failed: number;
}

interface Loaded extends Pick<JobRecord, 'inputName' | 'inputFormat' | 'inputColumns'> {
  readonly to: JobState;
  readonly audit: readonly AuditRecord[];
}

/**
 * Leaves the job without rows, in the state that it had, when something is wrong with them.
 * @throws GatewayError `invalid-state` when the job is in other hands, or cancelled meanwhile; whatever reading the rows throws
 */
export async function loadRows({ job: { id }, from, rows, loaded }: Loading, services: JobServices): Promise<void> {
  const { store, clock } = services;
  const loader = createIdentifier();
  const until = () => clock.now().getTime() + loaderMilliseconds;
  await store.commit({ statements: [store.jobs.beginLoading({ id, from, loader, until: until() })], audit: [] });
  const keep = (): Statement => store.jobs.keepLoading({ id, loader, until: until() });
  // A slow sender may take longer for one commit's rows. What is lost shows at the next commit.
  const renewal = setInterval(() => {
    store.commit({ statements: [keep()], audit: [] }).catch(() => undefined);
  }, renewalMilliseconds);
  try {
    const count = await insertRows(id, rows, keep, services);
    const { audit, ...end } = loaded(count);
    await store.commit({ statements: [store.jobs.endLoading({ id, loader, problem: null, ...end })], audit });
  } catch (error) {
    await discardRows({ id, loader, to: from, problem: null }, services).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(renewal);
  }
}

interface Discarded {
  readonly id: string;
  readonly loader: string;
  /** The state that the job has then. */
  readonly to: JobState;
  readonly problem: string | null;
}

/** Removes what was written. @throws GatewayError `invalid-state` when the job is not this loader's any more */
export async function discardRows(
  { id, loader, to, problem }: Discarded,
  { store, clock }: JobServices,
): Promise<void> {
  const job = await store.jobs.findById({ id });
  for (let upTo = removedInCommit; upTo < (job?.total ?? 0) + removedInCommit; upTo += removedInCommit) {
    const until = clock.now().getTime() + loaderMilliseconds;
    const keep = store.jobs.keepLoading({ id, loader, until });
    await store.commit({ statements: [keep, store.jobRows.remove({ jobId: id, upTo })], audit: [] });
  }
  const nothing = { inputName: null, inputFormat: null, inputColumns: null };
  await store.commit({
    statements: [store.jobs.endLoading({ id, loader, to, problem, ...nothing }), store.jobs.resetCount({ id })],
    audit: [],
  });
}

async function insertRows(
  jobId: string,
  rows: AsyncIterable<InputRow>,
  keep: () => Statement,
  { store, clock }: JobServices,
): Promise<LoadedRows> {
  let total = 0;
  let failed = 0;
  let batch: Statement[] = [];
  let failedInBatch = 0;
  let octetsInBatch = 0;
  const commit = async () => {
    const counted = store.jobs.count({ id: jobId, total: batch.length, done: 0, failed: failedInBatch });
    await store.commit({ statements: [keep(), ...batch, counted], audit: [] });
    failed += failedInBatch;
    batch = [];
    failedInBatch = 0;
    octetsInBatch = 0;
  };
  for await (const { text, problem } of rows) {
    total++;
    const failure =
      problem === undefined
        ? { state: 'waiting' as const, errorCode: null, reason: null, doneAt: null }
        : { state: 'failed' as const, errorCode: 'malformed-request', reason: problem, doneAt: clock.now().getTime() };
    if (problem !== undefined) failedInBatch++;
    batch.push(store.jobRows.insert({ jobId, row: total, input: text, ...failure }));
    octetsInBatch += Buffer.byteLength(text);
    if (batch.length === rowsInCommit || octetsInBatch >= octetsInCommit) await commit();
  }
  if (batch.length > 0) await commit();
  return { total, failed };
}
