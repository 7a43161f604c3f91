/** Jobs as they are looked at: lists, rows, results and failures. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { covers } from '../access/principal.js';
import { requireKind } from '../jobs/create-job.js';
import type { JobKinds } from '../jobs/job-kind.js';
import { listJobs } from '../jobs/list-jobs.js';
import { describeRow, failureLines, failuresFormat, resultLines } from '../jobs/results.js';
import { pageOfRows } from '../jobs/row-pages.js';
import { jobKinds, jobRowStates, jobStates } from '../model/job.js';
import { nameSchema } from '../model/label.js';
import { findVisibleJob, jobParams } from './job-resource.js';
import { describeJob, jobRowSchema, jobSchema } from './job-schemas.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, sortBy, sortedPage } from './sorted-list.js';

const text = z.string().min(1).max(255).optional();
const jobPlace = z.strictObject({ name: z.string().max(255), id: z.string().max(64) });
const rowPlace = z.int().min(0);
const resultQuery = z.strictObject({ format: z.enum(['csv', 'jsonl']).default('csv') });
const contentTypes = { csv: 'text/csv', jsonl: 'application/jsonl' } as const;

export function jobReadingOperations(services: ApiServices, kinds: JobKinds): readonly Operation[] {
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
        sort: sortBy(['createdAt', 'name']).default('-createdAt'),
      }),
      answer: pageOf(jobSchema),
      status: 200,
      async handle({ query, scope }) {
        const { kind, state, division, createdBy, search } = query;
        const all = scope === 'everywhere' ? undefined : [...scope];
        const divisions = division === undefined ? all : [division].filter((each) => covers(scope, each));
        if (divisions?.length === 0) return { value: { items: [] } };
        const { order, ...page } = askedPage(query, () => jobPlace);
        const wanted = {
          order,
          ...(divisions === undefined ? {} : { divisions }),
          ...(kind === undefined ? {} : { kind }),
          ...(state === undefined ? {} : { state }),
          ...(createdBy === undefined ? {} : { createdBy }),
          ...(search === undefined ? {} : { search }),
        };
        const { items, next } = await listJobs(wanted, page, services);
        const now = clock.now();
        const described = items.map((job) => describeJob(job, now));
        return sortedPage(described, query.sort, next);
      },
    }),
    defineOperation({
      id: 'getJob',
      method: 'get',
      path: '/jobs/{id}',
      tag: 'Jobs',
      summary: 'Read a job and how far it is',
      permission: 'job:read',
      params: jobParams,
      answer: jobSchema,
      status: 200,
      isTagged: true,
      async handle(call) {
        return { value: describeJob(await findVisibleJob(call, services), clock.now()) };
      },
    }),
    defineOperation({
      id: 'listJobRows',
      method: 'get',
      path: '/jobs/{id}/rows',
      tag: 'Jobs',
      summary: 'List the rows of a job and what each ended with',
      permission: 'job:read',
      params: jobParams,
      query: z.strictObject({
        ...pageQuery,
        state: z.enum(jobRowStates).optional(),
        sort: sortBy(['row']).default('row'),
      }),
      answer: pageOf(jobRowSchema),
      status: 200,
      async handle(call) {
        const { state, sort } = call.query;
        const job = await findVisibleJob(call, services);
        const { order, ...page } = askedPage(call.query, () => rowPlace);
        const filter = { jobId: job.id, descending: order.descending, ...(state === undefined ? {} : { state }) };
        const { rows, isLast } = await pageOfRows({ ...filter, ...page }, services);
        const items = rows.map(describeRow).map((row) => jobRowSchema.parse(row));
        return sortedPage(items, sort, isLast ? undefined : items.at(-1)?.row);
      },
    }),
    defineOperation({
      id: 'getJobResults',
      method: 'get',
      path: '/jobs/{id}/results',
      tag: 'Jobs',
      summary: 'Download all rows with their results',
      permission: 'job:read',
      params: jobParams,
      query: resultQuery,
      contentTypes: Object.values(contentTypes),
      status: 200,
      async handle(call) {
        const job = await findVisibleJob(call, services);
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
      params: jobParams,
      contentTypes: Object.values(contentTypes),
      status: 200,
      async handle(call) {
        const job = await findVisibleJob(call, services);
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
