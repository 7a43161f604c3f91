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
 * @throws InputError with what is wrong and where; GatewayError `invalid-state` for a job that has rows, or makes them itself,
 * `unavailable` for who has too many inputs read at once
 */
export async function loadInput(input: LoadedInput, services: JobServices, kinds: JobKinds): Promise<JobOverview> {
  const { person } = input.actor;
  const count = loading.get(person) ?? 0;
  if (count >= mostAtOnce) {
    throw new GatewayError('unavailable', `${mostAtOnce} inputs of yours are being read; send this one after them`, {
      retryAfterSeconds: 30,
    });
  }
  loading.set(person, count + 1);
  try {
    return await load(input, services, kinds);
  } finally {
    const left = (loading.get(person) ?? 0) - 1;
    if (left > 0) loading.set(person, left);
    else loading.delete(person);
  }
}

/** How many inputs of one person are being read. Each may be slow, and holds as much of it as a commit has. */
const loading = new Map<string, number>();
const mostAtOnce = 64;

async function load(
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
