/** Jobs as the management API shows and takes them. */
import { z } from 'zod';
import { errorCodes } from '../errors.js';
import type { JobKind, JobKinds } from '../jobs/job-kind.js';
import { progressOf } from '../jobs/progress.js';
import { jobKinds, jobRowStates, jobStates } from '../model/job.js';
import type { JobOverview } from '../store/job-record.js';

const timeSchema = z.iso.datetime();

export const jobSchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(jobKinds),
    division: z.string(),
    name: z.string().optional(),
    state: z
      .enum(jobStates)
      .describe(
        'draft: without rows; loading: its rows are being read; ready: waits for its turn; paused: until it is started or resumed; cancelled: what was not done stays undone; finished: each row has its result',
      ),
    problem: z.string().optional().describe('why the gateway has paused it'),
    options: z.record(z.string(), z.unknown()),
    select: z.record(z.string(), z.unknown()).optional(),
    input: z
      .strictObject({ name: z.string().optional(), format: z.enum(['csv', 'jsonl']), columns: z.array(z.string()) })
      .optional(),
    progress: z.strictObject({
      total: z.int(),
      done: z.int(),
      failed: z.int(),
      rate: z.number().optional().describe('rows per second of the last minute'),
      estimatedEnd: timeSchema.optional(),
    }),
    createdBy: z.string(),
    runsFor: z
      .string()
      .describe(
        'who has submitted it, or started or resumed it last: it is paused where that one may not submit it any more',
      ),
    createdAt: timeSchema,
    startedAt: timeSchema.optional(),
    finishedAt: timeSchema.optional().describe('when it was finished or cancelled'),
  })
  .meta({ id: 'Job' });

export const jobRowSchema = z
  .strictObject({
    row: z.int().describe('1 for the first'),
    state: z.enum(jobRowStates),
    input: z.record(z.string(), z.unknown()).describe('its cells, or the object of JSON Lines'),
    result: z.record(z.string(), z.string()).optional(),
    error: z.strictObject({ code: z.enum(errorCodes), reason: z.string() }).optional(),
  })
  .meta({ id: 'JobRow' });

/** A new job of any of the kinds, each with its own options. */
export function newJobSchema(kinds: JobKinds) {
  const [first, ...others] = [...kinds.values()].map(newJobOfKind);
  if (first === undefined) throw new Error('there are no kinds of jobs');
  return z.discriminatedUnion('kind', [first, ...others]).meta({ id: 'NewJob' });
}

function newJobOfKind({ name, options, selection }: JobKind) {
  return z.strictObject({
    kind: z.literal(name),
    name: z.string().min(1).max(200).optional().describe('what people call it'),
    options,
    ...(selection === undefined
      ? {}
      : {
          select: selection.schema
            .optional()
            .describe('what its rows are made from when it runs, in place of an input'),
        }),
    start: z.boolean().default(true).describe('whether it starts as soon as it has its rows'),
  });
}

export function describeJob(job: JobOverview, now: Date): z.input<typeof jobSchema> {
  const { id, kind, division, name, state, problem, options, selection, createdBy, runsFor, createdAt } = job;
  const input = describeInput(job);
  return {
    id,
    kind,
    division,
    ...(name === null ? {} : { name }),
    state,
    ...(problem === null ? {} : { problem }),
    options: JSON.parse(options),
    ...(selection === null ? {} : { select: JSON.parse(selection) }),
    ...(input === undefined ? {} : { input }),
    progress: progressOf(job, now),
    createdBy: JSON.parse(createdBy).name,
    runsFor: JSON.parse(runsFor).name,
    createdAt: timeText(createdAt),
    ...(job.startedAt === null ? {} : { startedAt: timeText(job.startedAt) }),
    ...(job.finishedAt === null ? {} : { finishedAt: timeText(job.finishedAt) }),
  };
}

function describeInput({ inputName, inputFormat, inputColumns }: JobOverview): z.input<typeof jobSchema>['input'] {
  if (inputFormat === null || inputColumns === null) return undefined;
  return { ...(inputName === null ? {} : { name: inputName }), format: inputFormat, columns: JSON.parse(inputColumns) };
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
