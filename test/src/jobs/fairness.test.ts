import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { JobKinds } from '../../../src/jobs/job-kind.js';
import { type JobRunner, startJobRunner } from '../../../src/jobs/runner.js';
import type { Core } from '../../../src/open-core.js';
import type { JobOverview } from '../../../src/store/job-record.js';
import { jobRecord } from '../store/management-records.js';
import { csvOfDevices, finished, jobThat, openJobCore, submit } from './job-store.js';
import { kindsDoing } from './kinds-doing.js';

let core: Core & { readonly data: string };
let runner: JobRunner | undefined;
/** The names of rows in the order in which their work began. */
let begun: string[] = [];

beforeEach(async () => {
  core = await openJobCore();
  begun = [];
});

afterEach(async () => {
  await runner?.close();
  runner = undefined;
  await core.close();
});

const optionsSchema = z.strictObject({ division: z.string() });

function kindsThatTake(milliseconds: number): JobKinds {
  return kindsDoing(
    async (name, context) => {
      begun.push(name);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      await core.store.commit({ statements: context.done({ values: {} }), audit: [] });
    },
    { options: optionsSchema, divisionOf: (options) => optionsSchema.parse(options).division },
  );
}

async function submitTo(division: string, count: number, prefix: string, kinds: JobKinds): Promise<JobOverview> {
  return await submit(core, { options: { division }, content: csvOfDevices(count, prefix) }, kinds);
}

describe('jobs of several divisions', () => {
  it('are worked on in turns of the divisions, the oldest of each first, however many one of them has', async () => {
    const jobs = [
      ...Array.from({ length: 200 }, (_, i) => jobRecord(`a-${String(i).padStart(3, '0')}`, 'plant')),
      ...['b-0', 'b-1', 'b-2'].map((id) => jobRecord(id, 'office')),
      jobRecord('c-0', 'site'),
    ];
    const states = ['ready', 'running'] as const;
    const statements = jobs.map((job, i) => core.store.jobs.insert({ ...job, state: states[i % 2] ?? 'ready' }));
    const others = (['draft', 'loading', 'paused', 'cancelled', 'finished'] as const).map((state) =>
      core.store.jobs.insert({ ...jobRecord(`0-${state}`, 'other'), state }),
    );
    await core.store.commit({ statements: [...statements, ...others], audit: [] });
    const found = await core.store.jobs.runnable({ limit: 8 });
    expect(found.map(({ id }) => id)).toEqual(['a-000', 'b-0', 'c-0', 'a-001', 'b-1', 'a-002', 'b-2', 'a-003']);
    expect(await core.store.jobs.runnable({ limit: 500 })).toHaveLength(204);
  });

  it('do not wait for 51 long ones of another division, which lose nothing by it', async () => {
    const kinds = kindsThatTake(20);
    const long: JobOverview[] = [];
    for (let i = 0; i < 51; i++) long.push(await submitTo('plant', 100, `plant-${i}`, kinds));
    runner = startJobRunner(core, kinds);
    await jobThat(core, long[49]?.id ?? '', ({ state }) => state === 'running');
    const { id } = await submitTo('office', 40, 'office', kinds);
    await finished(core, id);
    expect(await core.store.jobs.unended({ division: 'plant', limit: 100 })).toHaveLength(51);
    for (const job of long) expect(await finished(core, job.id)).toMatchObject({ done: 100, failed: 0 });
    expect(new Set(begun).size).toBe(5140);
  });

  it('get as many rows done, however many jobs they are in', async () => {
    const kinds = kindsThatTake(5);
    for (let i = 0; i < 12; i++) await submitTo('plant', 500, `plant-${i}`, kinds);
    const { id } = await submitTo('office', 200, 'office', kinds);
    runner = startJobRunner(core, kinds);
    await finished(core, id);
    const ofOffice = (name: string) => name.startsWith('office');
    const between = begun.slice(begun.findIndex(ofOffice), begun.findLastIndex(ofOffice));
    expect(between.filter((name) => !ofOffice(name)).length).toBeLessThan(300);
  });
});
