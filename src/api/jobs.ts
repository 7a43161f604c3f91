/** Jobs: work on many devices or certificates at once. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { covers, scopeOf } from '../access/principal.js';
import { GatewayError, HttpError } from '../errors.js';
import { changeJob, deleteJob, type JobChange, jobChanges } from '../jobs/change-job.js';
import { createJob, type PlannedJob, planJob, requireKind } from '../jobs/create-job.js';
import { type InputFormat, largestInput } from '../jobs/input/read-rows.js';
import type { JobKind, JobKinds } from '../jobs/job-kind.js';
import { createJobKinds } from '../jobs/job-kinds.js';
import { listJobs } from '../jobs/list-jobs.js';
import { loadInput } from '../jobs/load-input.js';
import { requireJob } from '../jobs/require-job.js';
import { describeRow, failureLines, failuresFormat, resultLines } from '../jobs/results.js';
import { pageOfRows } from '../jobs/row-pages.js';
import { jobKinds, jobRowStates, jobStates } from '../model/job.js';
import { nameSchema } from '../model/label.js';
import type { JobOverview } from '../store/job-record.js';
import { describeJob, jobRowSchema, jobSchema, newJobSchema } from './job-schemas.js';
import { type Call, defineOperation, type Operation } from './operation.js';
import {
  inBothDirections,
  orderOf,
  pageOf,
  pageQuery,
  readCursor,
  readSortedCursor,
  sortMeaning,
  writeCursor,
  writeSortedCursor,
} from './page.js';
import type { ApiServices } from './services.js';

const params = z.strictObject({ id: z.string().max(64) });
const text = z.string().min(1).max(255).optional();
const jobPlace = z.strictObject({ name: z.string().max(255), id: z.string().max(64) });
const resultQuery = z.strictObject({ format: z.enum(['csv', 'jsonl']).default('csv') });
const contentTypes = { csv: 'text/csv', jsonl: 'application/jsonl' } as const;
const inputTypes: ReadonlyMap<string, InputFormat> = new Map([
  ['text/csv', 'csv'],
  ['application/jsonl', 'jsonl'],
  ['application/zip', 'zip'],
]);

export function jobOperations(services: ApiServices): readonly Operation[] {
  const kinds = createJobKinds(services);
  return [
    ...reading(services, kinds),
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
      params,
      query: z.strictObject({ name: z.string().min(1).max(255).optional().describe('of the file, to show') }),
      streams: { types: [...inputTypes.keys()], bodyLimit: largestInput },
      answer: jobSchema,
      status: 200,
      refusals: { 409: 'the job has its input already' },
      async handle(call) {
        const job = await findJob(call, services);
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
      params,
      status: 204,
      isTagged: true,
      refusals: { 409: 'the job has not ended' },
      async handle(call) {
        const job = await findJob(call, services);
        const { id, division, kind } = job;
        requirePermission(call, { division, permission: requireKind(kind, kinds).permission });
        call.requireMatch(describeJob(job, services.clock.now()));
        await deleteJob({ id, actor: call.actor }, services);
        return {};
      },
    }),
  ];
}

function reading(services: ApiServices, kinds: JobKinds): readonly Operation[] {
  const { clock } = services;
  return [
    defineOperation({
      id: 'listJobs',
      method: 'get',
      path: '/jobs',
      tag: 'Jobs',
      summary: 'List jobs',
      description: 'A page looks at 10,000 jobs at most: it may be short, or empty, and still have a `next`.',
      permission: 'job:read',
      query: z.strictObject({
        ...pageQuery,
        kind: z.enum(jobKinds).optional(),
        state: z.enum(jobStates).optional(),
        division: nameSchema.optional(),
        createdBy: text.describe('who has submitted it, such as `user alice`'),
        search: text.describe('a part of the name, in upper or lower case'),
        sort: z.enum(inBothDirections('createdAt', 'name')).default('-createdAt').describe(sortMeaning),
      }),
      answer: pageOf(jobSchema),
      status: 200,
      async handle({ query: { limit, cursor, sort, kind, state, division, createdBy, search }, scope }) {
        const all = scope === 'everywhere' ? undefined : [...scope];
        const divisions = division === undefined ? all : [division].filter((each) => covers(scope, each));
        if (divisions?.length === 0) return { value: { items: [] } };
        const after = readSortedCursor(cursor, sort, jobPlace);
        const wanted = {
          order: orderOf(sort),
          ...(divisions === undefined ? {} : { divisions }),
          ...(kind === undefined ? {} : { kind }),
          ...(state === undefined ? {} : { state }),
          ...(createdBy === undefined ? {} : { createdBy }),
          ...(search === undefined ? {} : { search }),
        };
        const { items, next } = await listJobs(wanted, { after, limit }, services);
        const now = clock.now();
        return {
          value: {
            items: items.map((job) => describeJob(job, now)),
            ...(next ? { next: writeSortedCursor(sort, next) } : {}),
          },
        };
      },
    }),
    defineOperation({
      id: 'getJob',
      method: 'get',
      path: '/jobs/{id}',
      tag: 'Jobs',
      summary: 'Read a job and how far it is',
      permission: 'job:read',
      params,
      answer: jobSchema,
      status: 200,
      isTagged: true,
      async handle(call) {
        return { value: describeJob(await findJob(call, services), clock.now()) };
      },
    }),
    defineOperation({
      id: 'listJobRows',
      method: 'get',
      path: '/jobs/{id}/rows',
      tag: 'Jobs',
      summary: 'List the rows of a job and what each ended with',
      permission: 'job:read',
      params,
      query: z.strictObject({ ...pageQuery, state: z.enum(jobRowStates).optional() }),
      answer: pageOf(jobRowSchema),
      status: 200,
      async handle(call) {
        const { limit, cursor, state } = call.query;
        const job = await findJob(call, services);
        const after = readCursor(cursor, z.int().min(0)) ?? 0;
        const filter = { jobId: job.id, after, limit, ...(state === undefined ? {} : { state }) };
        const { rows, isLast } = await pageOfRows(filter, services);
        const items = rows.map(describeRow).map((row) => jobRowSchema.parse(row));
        return { value: { items, ...(isLast ? {} : { next: writeCursor(items.at(-1)?.row) }) } };
      },
    }),
    defineOperation({
      id: 'getJobResults',
      method: 'get',
      path: '/jobs/{id}/results',
      tag: 'Jobs',
      summary: 'Download all rows with their results',
      permission: 'job:read',
      params,
      query: resultQuery,
      contentTypes: Object.values(contentTypes),
      status: 200,
      async handle(call) {
        const job = await findJob(call, services);
        const { format } = call.query;
        const lines = resultLines(job, format, requireKind(job.kind, kinds), services);
        return {
          content: {
            type: contentTypes[format],
            body: Readable.from(lines),
            fileName: `job-${job.id}-results.${format}`,
          },
        };
      },
    }),
    defineOperation({
      id: 'getJobFailures',
      method: 'get',
      path: '/jobs/{id}/failures',
      tag: 'Jobs',
      summary: 'Download the failed rows, to be corrected and run again',
      description:
        'In the form of the input, with `error_code` and `error_reason`; an input may have these, and they are not looked at.',
      permission: 'job:read',
      params,
      contentTypes: Object.values(contentTypes),
      status: 200,
      async handle(call) {
        const job = await findJob(call, services);
        const format = failuresFormat(job);
        const lines = failureLines(job, requireKind(job.kind, kinds), services);
        return {
          content: {
            type: contentTypes[format],
            body: Readable.from(lines),
            fileName: `job-${job.id}-failures.${format}`,
          },
        };
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
    params,
    answer: jobSchema,
    status: 200,
    refusals: { 409: 'the state of the job does not allow it' },
    async handle(call) {
      const { id, division, kind } = await findJob(call, services);
      requirePermission(call, { division, permission: requireKind(kind, kinds).permission });
      return { value: describeJob(await changeJob({ id, change, actor: call.actor }, services), services.clock.now()) };
    },
  });
}

type Caller = Pick<Call<unknown, unknown, unknown>, 'principal' | 'scope'>;

/** @throws GatewayError `not-found`, also for a job of a division that is not the caller's */
async function findJob(
  { params: { id }, scope }: Pick<Call<z.output<typeof params>, unknown, unknown>, 'params' | 'scope'>,
  services: ApiServices,
): Promise<JobOverview> {
  const job = await requireJob(id, services);
  if (!covers(scope, job.division)) throw new GatewayError('not-found', 'there is no such job');
  return job;
}

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
