/** Finds jobs. */
import { GatewayError } from '../errors.js';
import type { JobOverview } from '../store/job-record.js';
import type { JobServices } from './services.js';

/** @throws GatewayError `not-found` */
export async function requireJob(id: string, { store }: Pick<JobServices, 'store'>): Promise<JobOverview> {
  const job = await store.jobs.findById({ id });
  if (job === undefined) throw new GatewayError('not-found', 'there is no such job');
  return job;
}
