/** Submits jobs. */
import type { z } from 'zod';
import { type Actor, byActor } from '../audit/actor.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { Permission } from '../model/access.js';
import type { JobKindName } from '../model/job.js';
import { quote } from '../policy/safe-text.js';
import type { JobOverview, JobRecord } from '../store/job-record.js';
import { jobEvent } from './job-event.js';
import type { JobKind, JobKinds, PreparedJob } from './job-kind.js';
import { requireJob } from './require-job.js';
import type { JobServices } from './services.js';

export interface NewJob {
  readonly kind: string;
  /** What people call it. */
  readonly name?: string | undefined;
  readonly options: unknown;
  /** What its rows are made from when it runs; without one its input is read afterwards. */
  readonly selection?: unknown;
  /** Whether it starts as soon as it has its rows. */
  readonly start: boolean;
}

/** A job that could be submitted: where, and who may. */
export interface PlannedJob {
  readonly kind: JobKind;
  readonly division: string;
  readonly permission: Permission;
  readonly name: string | null;
  readonly options: unknown;
  readonly selection: unknown;
  readonly start: boolean;
}

/** @throws GatewayError `malformed-request`, `not-found` for what the options name and is not there, or as the kind has it */
export function planJob({ kind: kindName, name, options, selection, start }: NewJob, kinds: JobKinds): PlannedJob {
  const kind = requireKind(kindName, kinds);
  const checked = parse(kind.options, options, 'options');
  return {
    kind,
    division: kind.divisionOf(checked),
    permission: kind.permission,
    name: name ?? null,
    options: checked,
    selection: selection === undefined ? undefined : parse(requireSelection(kind), selection, 'select'),
    start,
  };
}

/** @throws GatewayError `malformed-request` */
export function requireKind(name: string, kinds: JobKinds): JobKind {
  const kind = kinds.get(name as JobKindName);
  if (kind !== undefined) return kind;
  throw new GatewayError(
    'malformed-request',
    `there is no kind of job ${quote(name)}; there are ${[...kinds.keys()].join(', ')}`,
  );
}

/** Of a division, so that none can keep the others from theirs. */
const mostOpenJobs = 1000;

/**
 * The caller has seen to it that the actor may.
 * @throws GatewayError `invalid-state` when there are too many already; HttpError 422 for a selection of what the division has not got
 */
export async function createJob(planned: PlannedJob, actor: Actor, services: JobServices): Promise<JobOverview> {
  const { store, clock } = services;
  const { kind, division, name, selection, start } = planned;
  if ((await store.jobs.unended({ division, limit: mostOpenJobs })).length === mostOpenJobs) {
    throw new GatewayError(
      'invalid-state',
      `division ${division} has ${mostOpenJobs} jobs that have not ended; cancel some of them first`,
    );
  }
  // Not sooner: what a division has is told to nobody who may not look.
  if (selection !== undefined) kind.selection?.check?.(selection, division);
  const id = createIdentifier();
  const prepared: PreparedJob<unknown> = (await kind.prepare?.(planned.options, { jobId: id })) ?? planned;
  const now = clock.now();
  const record: JobRecord = {
    id,
    kind: kind.name,
    division,
    name,
    options: JSON.stringify(prepared.options),
    selection: selection === undefined ? null : JSON.stringify(selection),
    state: selection !== undefined && start ? 'ready' : 'draft',
    problem: null,
    startsByItself: start ? 1 : 0,
    createdBy: JSON.stringify(actor),
    runsFor: JSON.stringify(actor),
    createdAt: now.getTime(),
    startedAt: null,
    finishedAt: null,
    inputName: null,
    inputFormat: null,
    inputColumns: null,
    loader: null,
    loaderUntil: null,
    sealedJobKey: prepared.sealedJobKey ?? null,
    keysDestroyedAt: null,
    archive: prepared.archive ?? null,
    deletedAt: null,
  };
  await store.commit({
    statements: [
      store.catalog.requireStill({ kind: 'division', name: division }),
      store.jobs.insert(record),
      store.jobs.insertProgress({ jobId: id, total: 0, done: 0, failed: 0, samples: '[]' }),
    ],
    audit: [jobEvent('job.created', record, now, { ...byActor(actor), options: prepared.options, select: selection })],
  });
  return await requireJob(id, services);
}

function requireSelection({ name, selection }: JobKind): z.ZodType {
  if (selection !== undefined) return selection.schema;
  throw new GatewayError('malformed-request', `jobs of the kind ${name} need a file of rows; leave select out`);
}

function parse(schema: z.ZodType, value: unknown, member: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const told = parsed.error.issues
    .slice(0, 10)
    .map(({ path, message }) => `${[member, ...path].join('.')}: ${message}`);
  throw new GatewayError('malformed-request', told.join('; '));
}
