import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { GatewayError, OvertakenError } from '../../../src/errors.js';
import { changeJob, deleteJob } from '../../../src/jobs/change-job.js';
import type { JobKind, JobKinds } from '../../../src/jobs/job-kind.js';
import { type JobRunner, startJobRunner } from '../../../src/jobs/runner.js';
import type { Core } from '../../../src/open-core.js';
import { actor, csvOfDevices, finished, jobThat, openJobCore, openJobCoreOn, rowsOf, submit } from './job-store.js';
import { kindsDoing, type Perform } from './kinds-doing.js';

let core: Core & { readonly data: string };
let runners: JobRunner[] = [];
/** The names of rows in the order in which their work began. */
let begun: string[] = [];

beforeEach(async () => {
  core = await openJobCore();
  runners = [];
  begun = [];
});

afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.close()));
  await core.close();
});

/** A kind whose rows do what the test says. */
function kindsThat(perform: Perform, changes: Partial<JobKind> = {}): JobKinds {
  const notingWhen: Perform = async (name, context) => {
    begun.push(name);
    await perform(name, context);
  };
  return kindsDoing(notingWhen, changes);
}

const greet: Perform = async (name, context) => {
  await core.store.commit({ statements: context.done({ values: { greeting: `hello ${name}` } }), audit: [] });
};

function run(kinds: JobKinds, on: Core = core): JobRunner {
  const runner = startJobRunner(on, kinds);
  runners.push(runner);
  return runner;
}

describe('a job', () => {
  it('does each row once, and keeps what it ended with', async () => {
    const kinds = kindsThat(greet);
    const { id } = await submit(core, { content: csvOfDevices(1000) }, kinds);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({
      total: 1000,
      done: 1000,
      failed: 0,
      startedAt: expect.any(Number),
      finishedAt: expect.any(Number),
    });
    expect(begun.toSorted()).toEqual(Array.from({ length: 1000 }, (_, i) => `pump-${i}`).toSorted());
    const rows = await rowsOf(core, id);
    expect(rows.every(({ state, doneAt }) => state === 'done' && doneAt !== null)).toBe(true);
    expect(rows[7]?.result).toBe('{"greeting":"hello pump-7"}');
    const [event] = await core.store.audit.list({ action: 'job.finished', limit: 1 });
    expect(JSON.parse(event?.content ?? '')).toMatchObject({ subject: id, division: 'plant', done: 1000, failed: 0 });
    expect(await core.store.leases.find({ name: `job:${id}` })).toBeUndefined();
  });

  it('keeps why a row was refused, and goes on with the others', async () => {
    const kinds = kindsThat(async (name, context) => {
      if (name === 'pump-1') throw new GatewayError('rejected-name', 'that is no name');
      if (name === 'pump-2') throw new Error('secret detail');
      await greet(name, context);
    });
    const { id } = await submit(core, { content: csvOfDevices(4) }, kinds);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ total: 4, done: 2, failed: 2 });
    const rows = await rowsOf(core, id);
    expect(rows.map(({ state, errorCode, reason }) => [state, errorCode, reason])).toEqual([
      ['done', null, null],
      ['failed', 'rejected-name', 'that is no name'],
      ['failed', 'internal', 'it failed inside of the gateway, whose log says why'],
      ['done', null, null],
    ]);
  });

  it.each([
    ['overtaken', () => new OvertakenError()],
    ['unavailable', () => new GatewayError('unavailable', 'the disk is full')],
    ['limited', () => new GatewayError('rate-limited', 'wait', { retryAfterSeconds: 1 })],
  ])('tries a row again that is %s', async (_, error) => {
    const kinds = kindsThat(async (name, context) => {
      if (begun.filter((each) => each === name).length < 3) throw error();
      await greet(name, context);
    });
    const { id } = await submit(core, { content: csvOfDevices(2) }, kinds);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ done: 2, failed: 0 });
    expect(begun).toHaveLength(6);
  });

  it('fails a row whose kind keeps no result, rather than do it for ever', async () => {
    const kinds = kindsThat(async () => undefined);
    const { id } = await submit(core, { content: csvOfDevices(1) }, kinds);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ done: 0, failed: 1 });
  });

  it('lets the result stand when the answer to its commit was lost', async () => {
    const kinds = kindsThat(async (name, context) => {
      await greet(name, context);
      throw new GatewayError('duplicate-request', 'there is one already');
    });
    const { id } = await submit(core, { content: csvOfDevices(3) }, kinds);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ done: 3, failed: 0 });
    expect((await rowsOf(core, id)).map(({ state, errorCode }) => [state, errorCode])).toEqual(
      Array.from({ length: 3 }, () => ['done', null]),
    );
  });

  it('refuses to do a row twice: the second commit is as if it had not been', async () => {
    const kinds = kindsThat(async (name, context) => {
      await greet(name, context);
      await greet(name, context);
    });
    const { id } = await submit(core, { content: csvOfDevices(3) }, kinds);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ done: 3, failed: 0 });
  });
});

describe('jobs', () => {
  it('take turns: a short one is done while a long one runs', async () => {
    const kinds = kindsThat(greet);
    const long = await submit(core, { content: csvOfDevices(5000, 'long') }, kinds);
    const short = await submit(core, { content: csvOfDevices(100, 'short') }, kinds);
    run(kinds);
    await finished(core, short.id);
    expect((await core.store.jobs.findById({ id: long.id }))?.state).toBe('running');
    const lastShort = begun.findLastIndex((name) => name.startsWith('short'));
    // The long one may have begun a while earlier, by the time that it takes to take the other one up.
    const between = begun.slice(
      begun.findIndex((name) => name.startsWith('short')),
      lastShort,
    );
    expect(between.filter((name) => name.startsWith('long')).length).toBeLessThan(150);
    await finished(core, long.id);
  });

  it('have no more than 32 rows under way together', async () => {
    let underWay = 0;
    let most = 0;
    const kinds = kindsThat(async (name, context) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 5));
      underWay--;
      await greet(name, context);
    });
    const ids = [];
    for (const prefix of ['a', 'b', 'c'])
      ids.push((await submit(core, { content: csvOfDevices(100, prefix) }, kinds)).id);
    run(kinds);
    for (const id of ids) await finished(core, id);
    expect(most).toBe(32);
  });

  it('leave the event loop to others between rows', async () => {
    const kinds = kindsThat(async (name, context) => {
      // As much as a signature takes.
      const end = performance.now() + 1;
      while (performance.now() < end);
      await greet(name, context);
    });
    const { id } = await submit(core, { content: csvOfDevices(300) }, kinds);
    let turns = 0;
    const count = () => {
      turns++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    run(kinds);
    await finished(core, id);
    clearImmediate(next);
    expect(turns).toBeGreaterThan(60);
  });
});

describe('a job that is paused', () => {
  it('begins no further row within a second, and goes on where it was when it is resumed', async () => {
    const kinds = kindsThat(async (name, context) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await greet(name, context);
    });
    const { id } = await submit(core, { content: csvOfDevices(2000) }, kinds);
    run(kinds);
    await jobThat(core, id, ({ done }) => done > 50);
    await changeJob({ id, change: 'pause', actor }, core);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const count = begun.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(begun.length).toBe(count);
    const paused = await core.store.jobs.findById({ id });
    expect(paused).toMatchObject({ state: 'paused', done: count });
    await changeJob({ id, change: 'resume', actor }, core);
    expect(await finished(core, id)).toMatchObject({ done: 2000, failed: 0, startedAt: paused?.startedAt });
    expect(begun).toHaveLength(2000);
  });

  it('can be cancelled, and then deleted with its rows', async () => {
    const kinds = kindsThat(async (name, context) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await greet(name, context);
    });
    const { id } = await submit(core, { content: csvOfDevices(2000) }, kinds);
    run(kinds);
    await jobThat(core, id, ({ done }) => done > 0);
    await expect(deleteJob({ id, actor }, core)).rejects.toMatchObject({ code: 'invalid-state' });
    expect(await changeJob({ id, change: 'cancel', actor }, core)).toMatchObject({ state: 'cancelled' });
    for (const change of ['start', 'pause', 'resume', 'cancel'] as const) {
      await expect(changeJob({ id, change, actor }, core)).rejects.toMatchObject({ code: 'invalid-state' });
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const count = begun.length;
    expect(count).toBeLessThan(2000);
    await deleteJob({ id, actor }, core);
    expect(await core.store.jobs.findById({ id })).toBeUndefined();
    await expect(deleteJob({ id, actor }, core)).rejects.toMatchObject({ code: 'not-found' });
    const again = run(kinds);
    while ((await rowsOf(core, id)).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await again.close();
    const actions = (await core.store.audit.list({ subject: id, limit: 10 })).map(({ action }) => action);
    expect(actions).toEqual(['job.deleted', 'job.cancelled', 'job.loaded', 'job.created']);
  });
});

describe('a job whose process stops', () => {
  it('goes on at the next start, from the row that is next', async () => {
    const kinds = kindsThat(greet);
    const { id } = await submit(core, { content: csvOfDevices(3000) }, kinds);
    const first = run(kinds);
    await jobThat(core, id, ({ done }) => done > 100);
    await first.close();
    const stopped = await core.store.jobs.findById({ id });
    expect(stopped?.state).toBe('running');
    expect(stopped?.done).toBe(begun.length);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ done: 3000, failed: 0 });
    expect(begun).toHaveLength(3000);
  });

  it('is not touched by another one before its lease lapses', async () => {
    const kinds = kindsThat(greet);
    const { id } = await submit(core, { content: csvOfDevices(10) }, kinds);
    const now = core.clock.now().getTime();
    const lease = { name: `job:${id}`, holder: 'other', until: now + 3000, now };
    await core.store.commit({ statements: [core.store.leases.take(lease)], audit: [] });
    run(kinds);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(begun).toEqual([]);
    expect(await finished(core, id)).toMatchObject({ done: 10 });
    expect(Date.now()).toBeGreaterThanOrEqual(now + 3000);
  });

  it('is done once by two processes that both think that it is theirs', async () => {
    const kinds = kindsThat(greet);
    const { id } = await submit(core, { content: csvOfDevices(500) }, kinds);
    const other = await openJobCoreOn(core.data);
    try {
      run(kinds);
      run(kinds, other);
      await jobThat(core, id, ({ done }) => done > 10);
      // As if the lease had lapsed while its holder was held up.
      await core.store.commit({
        statements: [
          core.store.leases.take({ name: `job:${id}`, holder: 'x', until: 0, now: Number.MAX_SAFE_INTEGER }),
        ],
        audit: [],
      });
      expect(await finished(core, id)).toMatchObject({ done: 500, failed: 0 });
      expect((await rowsOf(core, id)).every(({ state }) => state === 'done')).toBe(true);
    } finally {
      await Promise.all(runners.splice(0).map((runner) => runner.close()));
      await other.close();
    }
  });
});

describe('a job with a selection', () => {
  async function* names(): AsyncGenerator<{ name: string }> {
    for (let i = 0; i < 1200; i++) yield { name: `found-${i}` };
  }
  const schema = z.strictObject({ all: z.boolean() });

  it('makes its rows when it runs', async () => {
    const kinds = kindsThat(greet, { selection: { schema, rows: names } });
    const { id, state } = await submit(core, { selection: { all: true } }, kinds);
    expect(state).toBe('ready');
    await expect(submit(core, { selection: { all: 'x' } }, kinds)).rejects.toMatchObject({ code: 'malformed-request' });
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ total: 1200, done: 1200, inputFormat: 'jsonl' });
  });

  it('is finished where there is nothing to do', async () => {
    const kinds = kindsThat(greet, { selection: { schema, rows: async function* () {} } });
    const { id } = await submit(core, { selection: { all: true } }, kinds);
    run(kinds);
    expect(await finished(core, id)).toMatchObject({ total: 0, done: 0 });
  });

  it('is paused with the reason where its rows cannot be made', async () => {
    const rows = async function* () {
      yield { name: 'a' };
      throw new GatewayError('not-found', 'the group is gone');
    };
    const kinds = kindsThat(greet, { selection: { schema, rows } });
    const { id } = await submit(core, { selection: { all: true } }, kinds);
    run(kinds);
    const job = await jobThat(core, id, ({ state }) => state === 'paused');
    expect(job).toMatchObject({ problem: 'the group is gone', total: 0 });
    expect(await rowsOf(core, id)).toEqual([]);
  });

  it('starts later where it was submitted so', async () => {
    const kinds = kindsThat(greet, { selection: { schema, rows: names } });
    const { id, state } = await submit(core, { selection: { all: true }, start: false }, kinds);
    expect(state).toBe('draft');
    expect(await changeJob({ id, change: 'start', actor }, core)).toMatchObject({ state: 'ready' });
  });
});
