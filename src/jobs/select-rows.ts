/** Makes the rows of a job that has a selection in place of a file: from what there is when it runs. */
import { GatewayError, isRefusal } from '../errors.js';
import type { JobRecord } from '../store/job-record.js';
import { countRows } from './input/count-rows.js';
import { type InputRow, mostRows, problemOfRow } from './input/read-rows.js';
import { jobEvent } from './job-event.js';
import type { JobKind } from './job-kind.js';
import { loadRows } from './load-rows.js';
import type { JobServices } from './services.js';

/** Whether it has to be done before the job's rows can be. */
export function hasToSelect({ selection, inputColumns }: JobRecord): boolean {
  return selection !== null && inputColumns === null;
}

/** The job waits for its turn again with its rows; where they cannot be made, it is paused and tells why. */
export async function selectRows(job: JobRecord, kind: JobKind, services: JobServices): Promise<void> {
  try {
    await loadRows(
      {
        job,
        from: 'ready',
        rows: selectedRows(job, kind),
        loaded: (rows) => ({
          to: 'ready',
          inputName: null,
          inputFormat: 'jsonl',
          inputColumns: JSON.stringify(kind.columns.map(({ name }) => name)),
          audit: [
            jobEvent('job.loaded', job, services.clock.now(), { ...rows, select: JSON.parse(job.selection ?? '') }),
          ],
        }),
      },
      services,
    );
  } catch (error) {
    // Another try will do, or another process has done it.
    if (error instanceof GatewayError && ['unavailable', 'invalid-state'].includes(error.code)) return;
    if (!isRefusal(error)) services.log.error({ err: error, job: job.id }, 'the rows of a job could not be selected');
    const problem = isRefusal(error)
      ? error.message
      : 'its rows could not be selected; the log of the gateway says why';
    await pauseWithProblem(job, problem, services);
  }
}

/** For somebody to look at. */
export async function pauseWithProblem(
  job: JobRecord,
  problem: string,
  { store, clock }: Pick<JobServices, 'store' | 'clock'>,
): Promise<void> {
  const { id, runsFor } = job;
  await store
    .commit({
      statements: [store.jobs.pause({ id, runsFor, problem })],
      audit: [jobEvent('job.paused', job, clock.now(), { actor: 'gateway', problem })],
    })
    // Somebody else was faster, or the store is busy: then it is tried again.
    .catch(() => undefined);
}

async function* selectedRows({ selection, division }: JobRecord, kind: JobKind): AsyncGenerator<InputRow> {
  if (kind.selection === undefined)
    throw new GatewayError('malformed-request', `jobs of the kind ${kind.name} need a file`);
  const count = countRows(mostRows, tooManySelected);
  for await (const row of kind.selection.rows(JSON.parse(selection ?? ''), division)) {
    count();
    yield { text: JSON.stringify(row), problem: problemOfRow(row, kind) };
  }
}

function tooManySelected(): GatewayError {
  return new GatewayError(
    'malformed-request',
    `more than ${mostRows} rows are selected; select fewer in each of several jobs`,
  );
}
