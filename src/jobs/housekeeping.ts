/** Removes rows that nobody wants any more: of inputs whose reader is gone, and of deleted jobs. A part at a time. */
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import { discardRows, loaderMilliseconds } from './load-rows.js';
import type { JobServices } from './services.js';

/** The job is as it was before its input came. */
export async function removeAbandonedRows(services: JobServices): Promise<void> {
  const { store, clock } = services;
  const now = clock.now().getTime();
  for (const { id, selection } of await store.jobs.abandoned({ now })) {
    const loader = createIdentifier();
    try {
      const taken = store.jobs.takeLoading({ id, loader, until: now + loaderMilliseconds, now });
      await store.commit({ statements: [taken], audit: [] });
      await discardRows({ id, loader, to: selection === null ? 'draft' : 'ready', problem: null }, services);
    } catch (error) {
      // Another process has taken it, or it was cancelled.
      if (!(error instanceof GatewayError) || error.code !== 'invalid-state') throw error;
    }
  }
}

const jobsAtOnce = 20;
const rowsInCommit = 2_000;

export async function removeDeletedJobs({ store }: Pick<JobServices, 'store'>): Promise<void> {
  for (const { id, total } of await store.jobs.deleted({ limit: jobsAtOnce })) {
    for (let upTo = rowsInCommit; upTo < total + rowsInCommit; upTo += rowsInCommit) {
      await store.commit({ statements: [store.jobRows.remove({ jobId: id, upTo })], audit: [] });
    }
    await store.commit({ statements: [store.jobs.removeProgress({ id }), store.jobs.remove({ id })], audit: [] });
  }
}
