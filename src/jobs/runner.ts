/**
 * Works on jobs, several at a time, row by row in turns. A lease says which process has a job; that no row is done twice is up to
 * the rows' own commits.
 */
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { JobRecord } from '../store/job-record.js';
import { removeAbandonedRows, removeDeletedJobs } from './housekeeping.js';
import { jobEvent } from './job-event.js';
import type { JobKind, JobKinds } from './job-kind.js';
import { addSample } from './progress.js';
import { createRightsCheck } from './rights.js';
import { createRunningJob, type RunningJob } from './running-job.js';
import { hasToSelect, pauseWithProblem, selectRows } from './select-rows.js';
import type { JobServices } from './services.js';

export interface JobRunner {
  /** Finishes the rows that are under way, and leaves the rest to the next start. */
  close(): Promise<void>;
}

/** How soon jobs and their changes are seen, at most: whoever has written them. */
const pollMilliseconds = 500;
/** How long a job waits for a process that is gone, at most. */
const leaseMilliseconds = 10_000;
const renewalMilliseconds = 2_500;
const housekeepingMilliseconds = 10_000;
/** Jobs that take turns, those of many divisions before many of one; others wait for one of them to end. */
const mostJobs = 50;
/** Rows under way: enough for commits to be shared, and few beside what devices ask. */
const mostRows = 32;
/** After so long requests of devices come first. */
const sliceMilliseconds = 2;

export function startJobRunner(services: JobServices, kinds: JobKinds): JobRunner {
  const { store, clock, log } = services;
  const holder = createIdentifier();
  const running = new Map<string, RunningJob>();
  const renewedAt = new Map<string, number>();
  const selecting = new Set<string>();
  const work = new Set<Promise<void>>();
  let turns: readonly string[] = [];
  let rowsUnderWay = 0;
  let isBeginning = false;
  let isClosed = false;
  let isTidying = false;
  let tidiedAt = Number.NEGATIVE_INFINITY;

  /** Never twice at once for a job: its state or its lease forbids it. */
  function track(task: Promise<void>): void {
    const settled = task
      .catch((err) => log.error({ err }, 'work on a job failed; it is tried again'))
      .then(() => {
        work.delete(settled);
      });
    work.add(settled);
  }

  async function beginRows(): Promise<void> {
    if (isBeginning) return;
    isBeginning = true;
    let sliceEnd = performance.now() + sliceMilliseconds;
    try {
      while (!isClosed && rowsUnderWay < mostRows && beginNext()) {
        if (performance.now() < sliceEnd) continue;
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + sliceMilliseconds;
      }
    } finally {
      isBeginning = false;
    }
  }

  /** Each division gets one row begun before any gets another, and in it each job. */
  function beginNext(): boolean {
    for (const id of turns) {
      const job = running.get(id);
      const row = job?.begin();
      if (job === undefined || row === undefined) continue;
      turns = afterTurn(turns, id, (each) => running.get(each)?.record.division);
      rowsUnderWay++;
      track(
        row.then(() => {
          rowsUnderWay--;
          onProgress(job);
        }),
      );
      return true;
    }
    return false;
  }

  function onProgress(job: RunningJob): void {
    if (isClosed) return;
    if (running.get(job.record.id) === job && job.isDone()) track(finish(job));
    else track(beginRows());
  }

  async function finish({ record }: RunningJob): Promise<void> {
    const { id } = record;
    drop(id);
    const at = clock.now();
    const { done, failed } = (await store.jobs.findById({ id })) ?? {};
    await store
      .commit({
        statements: [
          store.jobs.finish({ id, at: at.getTime() }),
          store.leases.release({ name: leaseName(id), holder }),
        ],
        audit: [jobEvent('job.finished', record, at, { done, failed })],
      })
      .catch(ignoreInvalidState);
  }

  function drop(id: string): void {
    running.get(id)?.stop();
    running.delete(id);
    renewedAt.delete(id);
    turns = turns.filter((each) => each !== id);
  }

  async function poll(): Promise<void> {
    const runnable = await store.jobs.runnable({ limit: mostJobs });
    const lackedRight = createRightsCheck(services);
    const stillRunning = new Set(runnable.filter(({ state }) => state === 'running').map(({ id }) => id));
    for (const id of running.keys()) {
      if (!stillRunning.has(id)) drop(id);
    }
    for (const record of runnable) {
      if (isClosed) return;
      const kind = kinds.get(record.kind);
      const problem =
        kind === undefined
          ? `this version of Gatehouse knows no jobs of the kind ${record.kind}`
          : await lackedRight(record, kind);
      if (problem !== undefined) {
        drop(record.id);
        await pauseWithProblem(record, problem, services);
      } else if (running.has(record.id)) await renew(record.id);
      else if (kind !== undefined) await takeUp(record, kind);
    }
    track(beginRows());
    if (!isTidying && performance.now() > tidiedAt + housekeepingMilliseconds) track(tidy());
  }

  async function tidy(): Promise<void> {
    isTidying = true;
    try {
      await removeAbandonedRows(services);
      await removeDeletedJobs(services);
    } finally {
      isTidying = false;
      tidiedAt = performance.now();
    }
  }

  async function takeUp(record: JobRecord, kind: JobKind): Promise<void> {
    if (hasToSelect(record)) {
      if (!selecting.has(record.id)) track(select(record, kind));
      return;
    }
    const { id, state } = record;
    const now = clock.now().getTime();
    try {
      const run = state === 'ready' ? [store.jobs.run({ id, at: now })] : [];
      const samples = store.jobs.setSamples({ id, samples: '[]' });
      await store.commit({ statements: [takeLease(id, now), ...run, samples], audit: [] });
    } catch (error) {
      // Another process has it.
      ignoreInvalidState(error);
      return;
    }
    try {
      const job = createRunningJob({ record, kind, onReady: () => onProgress(job) }, services);
      running.set(id, job);
      turns = [...turns, id];
      await renew(id);
    } catch (error) {
      log.error({ err: error, job: id }, 'a job cannot be run');
      await pauseWithProblem(record, 'it cannot be run; the log of the gateway says why', services);
    }
  }

  async function select(record: JobRecord, kind: JobKind): Promise<void> {
    selecting.add(record.id);
    await selectRows(record, kind, services).finally(() => selecting.delete(record.id));
  }

  async function renew(id: string): Promise<void> {
    const now = performance.now();
    if (now < (renewedAt.get(id) ?? Number.NEGATIVE_INFINITY) + renewalMilliseconds) return;
    const job = await store.jobs.findById({ id });
    if (job === undefined) return;
    const at = clock.now().getTime();
    try {
      const samples = addSample(job.samples, job.done + job.failed, at);
      await store.commit({ statements: [takeLease(id, at), store.jobs.setSamples({ id, samples })], audit: [] });
      renewedAt.set(id, now);
    } catch (error) {
      ignoreInvalidState(error);
      drop(id);
    }
  }

  function takeLease(id: string, now: number) {
    return store.leases.take({ name: leaseName(id), holder, until: now + leaseMilliseconds, now });
  }

  let isPolling = false;
  const pollOnce = () => {
    if (isPolling) return;
    isPolling = true;
    track(
      poll().finally(() => {
        isPolling = false;
      }),
    );
  };
  const timer = setInterval(pollOnce, pollMilliseconds);
  pollOnce();

  return {
    async close() {
      isClosed = true;
      clearInterval(timer);
      const ids = [...running.keys()];
      for (const id of ids) drop(id);
      while (work.size > 0) await Promise.all(work);
      const releases = ids.map((id) => store.leases.release({ name: leaseName(id), holder }));
      // What is not given back lapses.
      await store.commit({ statements: releases, audit: [] }).catch(() => undefined);
    },
  };
}

/** The job goes behind all others of its division, and these behind those of the others. */
function afterTurn(
  turns: readonly string[],
  id: string,
  divisionOf: (id: string) => string | undefined,
): readonly string[] {
  const division = divisionOf(id);
  const others = turns.filter((each) => each !== id);
  return [
    ...others.filter((each) => divisionOf(each) !== division),
    ...others.filter((each) => divisionOf(each) === division),
    id,
  ];
}

function leaseName(jobId: string): string {
  return `job:${jobId}`;
}

function ignoreInvalidState(error: unknown): void {
  if (!(error instanceof GatewayError) || error.code !== 'invalid-state') throw error;
}
