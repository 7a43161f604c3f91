/** Jobs: work on many devices or certificates at once. */
import { z } from 'zod';
import { covers, scopeOf } from '../access/principal.js';
import { GatewayError, HttpError } from '../errors.js';
import { changeJob, deleteJob, type JobChange, jobChanges } from '../jobs/change-job.js';
import { createJob, type PlannedJob, planJob, requireKind } from '../jobs/create-job.js';
import { type InputFormat, largestInput } from '../jobs/input/read-rows.js';
import type { JobKind, JobKinds } from '../jobs/job-kind.js';
import { createJobKinds } from '../jobs/job-kinds.js';
import { loadInput } from '../jobs/load-input.js';
import { jobReadingOperations } from './job-reading.js';
import { findVisibleJob, jobParams } from './job-resource.js';
import { describeJob, jobSchema, newJobSchema } from './job-schemas.js';
import { type Call, defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

const inputTypes: ReadonlyMap<string, InputFormat> = new Map([
  ['text/csv', 'csv'],
  ['application/jsonl', 'jsonl'],
  ['application/zip', 'zip'],
]);

export function jobOperations(services: ApiServices): readonly Operation[] {
  const kinds = createJobKinds(services);
  return [
    ...jobReadingOperations(services, kinds),
    defineOperation({
      id: 'createJob',
      method: 'post',
      path: '/jobs',
      tag: 'Jobs',
      summary: 'Submit a job',
      description:
        'Needs, besides `job:write`, the permission for what the job does, in its division: now, and while it runs. Its rows come by `putJobInput`; a job with `select` makes them itself when it runs.',
      permission: 'job:write',
      body: newJobSchema(kinds),
      answer: jobSchema,
      status: 201,
      refusals: { 422: 'the options or the selection name what is not there' },
      async handle(call) {
        const { select, ...body } = call.body;
        const planned = plan({ ...body, ...(select === undefined ? {} : { selection: select }) }, call, kinds);
        requirePermission(call, planned);
        const job = await createJob(planned, call.actor, services);
        return { value: describeJob(job, services.clock.now()), location: `/jobs/${job.id}` };
      },
    }),
    defineOperation({
      id: 'putJobInput',
      method: 'put',
      path: '/jobs/{id}/input',
      tag: 'Jobs',
      summary: 'Send the rows of a job',
      description:
        'All rows or none: a file that cannot be read is refused as a whole, with up to 20 problems and their lines. A row that does not fit the kind of job fails by itself. The job starts then, unless it was submitted with `start: false`.',
      permission: 'job:write',
      params: jobParams,
      query: z.strictObject({ name: z.string().min(1).max(255).optional().describe('of the file, to show') }),
      streams: { types: [...inputTypes.keys()], bodyLimit: largestInput },
      answer: jobSchema,
      status: 200,
      refusals: { 409: 'the job has its input already' },
      async handle(call) {
        const job = await findVisibleJob(call, services);
        requirePermission(call, { division: job.division, permission: requireKind(job.kind, kinds).permission });
        const format = inputTypes.get(call.contentType ?? '');
        if (format === undefined)
          throw new HttpError(415, 'malformed-request', `rows are ${[...inputTypes.keys()].join(', ')}`);
        const { actor, stream, query } = call;
        const loaded = await loadInput(
          { id: job.id, source: stream, format, name: query.name, actor },
          services,
          kinds,
        );
        return { value: describeJob(loaded, services.clock.now()) };
      },
    }),
    ...jobChanges.map((change) => changing(change, services, kinds)),
    defineOperation({
      id: 'deleteJob',
      method: 'delete',
      path: '/jobs/{id}',
      tag: 'Jobs',
      summary: 'Delete a job with its rows and results',
      description: 'Only one that has ended, or has no rows. What it did stays done.',
      permission: 'job:write',
      params: jobParams,
      status: 204,
      isTagged: true,
      refusals: { 409: 'the job has not ended' },
      async handle(call) {
        const job = await findVisibleJob(call, services);
        const { id, division, kind } = job;
        requirePermission(call, { division, permission: requireKind(kind, kinds).permission });
        call.requireMatch(describeJob(job, services.clock.now()));
        await deleteJob({ id, actor: call.actor }, services);
        return {};
      },
    }),
  ];
}

const summaries: Readonly<Record<JobChange, string>> = {
  start: 'Start a job that was submitted not to start by itself',
  pause: 'Pause a job: rows under way are finished',
  resume: 'Resume a paused job, on one’s own behalf from then on',
  cancel: 'Cancel a job: what is not done stays undone',
};

function changing(change: JobChange, services: ApiServices, kinds: JobKinds): Operation {
  return defineOperation({
    id: `${change}Job`,
    method: 'post',
    path: `/jobs/{id}/${change}`,
    tag: 'Jobs',
    summary: summaries[change],
    permission: 'job:write',
    params: jobParams,
    answer: jobSchema,
    status: 200,
    refusals: { 409: 'the state of the job does not allow it' },
    async handle(call) {
      const { id, division, kind } = await findVisibleJob(call, services);
      requirePermission(call, { division, permission: requireKind(kind, kinds).permission });
      return { value: describeJob(await changeJob({ id, change, actor: call.actor }, services), services.clock.now()) };
    },
  });
}

type Caller = Pick<Call<unknown, unknown, unknown>, 'principal' | 'scope'>;

/** What is another division's is for the caller not there. @throws HttpError 422 */
function plan(wanted: Parameters<typeof planJob>[0], { scope }: Caller, kinds: JobKinds): PlannedJob {
  const missing = new HttpError(422, 'malformed-request', 'options: there is no such division, group or policy');
  try {
    const planned = planJob(wanted, kinds);
    if (!covers(scope, planned.division)) throw missing;
    return planned;
  } catch (error) {
    throw error instanceof GatewayError && error.code === 'not-found' ? missing : error;
  }
}

/** @throws GatewayError `forbidden` */
function requirePermission(
  { principal }: Caller,
  { division, permission }: Pick<JobKind, 'permission'> & { readonly division: string },
): void {
  if (covers(scopeOf(principal, permission), division)) return;
  throw new GatewayError('forbidden', `such a job needs the permission ${permission} in division ${division}`);
}
