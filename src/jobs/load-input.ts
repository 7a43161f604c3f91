/** Reads the file of rows that a job works on. */
import { type Actor, byActor } from '../audit/actor.js';
import { GatewayError } from '../errors.js';
import type { JobOverview } from '../store/job-record.js';
import { requireKind } from './create-job.js';
import { refuse } from './input/input-error.js';
import { type InputFormat, openInput } from './input/read-rows.js';
import { jobEvent } from './job-event.js';
import type { JobKinds } from './job-kind.js';
import { loadRows } from './load-rows.js';
import { requireJob } from './require-job.js';
import type { JobServices } from './services.js';

interface LoadedInput {
  readonly id: string;
  readonly source: AsyncIterable<Uint8Array>;
  readonly format: InputFormat;
  /** The name of the file, for people. */
  readonly name?: string | undefined;
  readonly actor: Actor;
}

/**
 * All rows or none: a file that cannot be read to its end leaves the job as it was. Rows that can be read, but do not fit the
 * kind of job, have failed before it begins; the others go on.
 * @throws InputError with what is wrong and where; GatewayError `invalid-state` for a job that has rows, or makes them itself
 */
export async function loadInput(
  { id, source, format, name, actor }: LoadedInput,
  services: JobServices,
  kinds: JobKinds,
): Promise<JobOverview> {
  const job = await requireJob(id, services);
  if (job.selection !== null)
    throw new GatewayError('invalid-state', 'the job makes its rows itself, and takes no input');
  if (job.state !== 'draft')
    throw new GatewayError('invalid-state', `the job is ${job.state}, and has its input already`);
  const input = await openInput(readable(source), format, requireKind(job.kind, kinds));
  await loadRows(
    {
      job,
      from: 'draft',
      rows: input.rows,
      loaded: (rows) => ({
        to: job.startsByItself === 1 ? 'ready' : 'paused',
        inputName: name ?? null,
        inputFormat: input.format,
        inputColumns: JSON.stringify(input.columns()),
        audit: [jobEvent('job.loaded', job, services.clock.now(), { ...byActor(actor), input: name, ...rows })],
      }),
    },
    services,
  );
  return await requireJob(id, services);
}

/** A sender that is gone is not the gateway's failure. */
async function* readable(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw refuse('it ended before all of it was there; send it again');
  }
}
