/** Starts, pauses, resumes, cancels and deletes jobs. What is under way when one is paused or cancelled is finished. */
import { type Actor, byActor } from '../audit/actor.js';
import { GatewayError } from '../errors.js';
import type { JobState } from '../model/job.js';
import type { Statement } from '../store/change.js';
import type { JobOverview } from '../store/job-record.js';
import { destructionOfKeys } from './archive/destroy-keys.js';
import { jobEvent } from './job-event.js';
import { requireJob } from './require-job.js';
import type { JobServices } from './services.js';

export const jobChanges = ['start', 'pause', 'resume', 'cancel'] as const;
export type JobChange = (typeof jobChanges)[number];

interface ChangedJob {
  readonly id: string;
  readonly change: JobChange;
  readonly actor: Actor;
}

/**
 * Returns the job as it is then.
 * @throws GatewayError `not-found`, and `invalid-state` where its state does not allow it
 */
export async function changeJob({ id, change, actor }: ChangedJob, services: JobServices): Promise<JobOverview> {
  const { store, clock } = services;
  await retrying(async () => {
    const job = await requireJob(id, services);
    const now = clock.now();
    const { action, to } = transition(change, job);
    await store.commit({
      statements: [moved(job, to, now.getTime(), services), ...handedTo(actor, change, id, services)],
      audit: [jobEvent(action, job, now, { ...byActor(actor), from: job.state })],
    });
  });
  return await requireJob(id, services);
}

/**
 * For good, with its rows, what they ended with, and the keys that were made for them; the certificates and devices stay.
 * @throws GatewayError `not-found` and `invalid-state`
 */
export async function deleteJob({ id, actor }: Omit<ChangedJob, 'change'>, services: JobServices): Promise<void> {
  const { store, clock } = services;
  await retrying(async () => {
    const job = await requireJob(id, services);
    if (!['draft', 'cancelled', 'finished'].includes(job.state)) {
      throw new GatewayError('invalid-state', `the job is ${job.state}; cancel it before it is deleted`);
    }
    const now = clock.now();
    const keys = destructionOfKeys(job, 'job-deleted', actor, services);
    await store.commit({
      statements: [store.jobs.markDeleted({ id, at: now.getTime() }), ...keys.statements],
      audit: [...keys.audit, jobEvent('job.deleted', job, now, { ...byActor(actor), from: job.state })],
    });
  });
}

/** Others change it at the same time: from ready to running perhaps, or its keys are fetched. */
async function retrying(change: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await change();
      return;
    } catch (error) {
      if (!isInvalidState(error) || attempt === maximumAttempts) throw error;
    }
  }
}

const maximumAttempts = 3;

function transition(change: JobChange, { state, selection, startedAt }: JobOverview) {
  switch (change) {
    case 'start':
      if (state === 'draft' && selection !== null) return { action: 'job.started', to: 'ready' } as const;
      if (state === 'draft') throw notNow('has no rows yet; send its input first');
      if (state === 'paused' && startedAt === null) return { action: 'job.started', to: 'ready' } as const;
      throw notNow(state === 'paused' ? 'was started before; resume it' : `is ${state}`);
    case 'pause':
      if (state === 'ready' || state === 'running') return { action: 'job.paused', to: 'paused' } as const;
      throw notNow(state === 'loading' ? 'is reading its rows; wait until it has them, or cancel it' : `is ${state}`);
    case 'resume':
      if (state === 'paused') return { action: 'job.resumed', to: 'ready' } as const;
      throw notNow(`is ${state}, not paused`);
    case 'cancel':
      if (state !== 'cancelled' && state !== 'finished') return { action: 'job.cancelled', to: 'cancelled' } as const;
      throw notNow(`is ${state} already`);
  }
}

/** Who lets it run answers for what it does from then on. */
function handedTo(actor: Actor, change: JobChange, id: string, { store }: JobServices): readonly Statement[] {
  if (change !== 'start' && change !== 'resume') return [];
  return [store.jobs.setRunsFor({ id, runsFor: JSON.stringify(actor) })];
}

function notNow(why: string): GatewayError {
  return new GatewayError('invalid-state', `the job ${why}`);
}

function moved({ id, state }: JobOverview, to: JobState, at: number, { store }: JobServices): Statement {
  if (to === 'cancelled') return store.jobs.cancel({ id, from: state, at });
  return store.jobs.setState({ id, from: state, to, problem: null });
}

function isInvalidState(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'invalid-state';
}
