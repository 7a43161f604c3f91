/** A job as operations find it. */
import { z } from 'zod';
import { covers } from '../access/principal.js';
import { GatewayError } from '../errors.js';
import { requireJob } from '../jobs/require-job.js';
import type { JobOverview } from '../store/job-record.js';
import type { Call } from './operation.js';
import type { ApiServices } from './services.js';

export const jobParams = z.strictObject({ id: z.string().min(1).max(64).describe('id of the job') });

/** @throws GatewayError `not-found` also for a job of a division that the caller sees nothing of */
export async function findVisibleJob(
  { params: { id }, scope }: Pick<Call<z.output<typeof jobParams>, unknown, unknown>, 'params' | 'scope'>,
  services: ApiServices,
): Promise<JobOverview> {
  const job = await requireJob(id, services);
  if (!covers(scope, job.division)) throw new GatewayError('not-found', 'there is no such job');
  return job;
}
