import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { zipSync } from 'fflate';
import { changeJob } from '../../../src/jobs/change-job.js';
import { removeAbandonedRows } from '../../../src/jobs/housekeeping.js';
import { InputError } from '../../../src/jobs/input/input-error.js';
import { createJobKinds } from '../../../src/jobs/job-kinds.js';
import { loadInput } from '../../../src/jobs/load-input.js';
import type { Core } from '../../../src/open-core.js';
import { actor, chunksOf, csvOfDevices, openJobCore, rowsOf, submit } from './job-store.js';

let core: Core & { readonly data: string };

beforeAll(async () => {
  core = await openJobCore();
});

afterAll(async () => {
  await core.close();
});

async function load(id: string, source: AsyncIterable<Uint8Array>) {
  return await loadInput({ id, source, format: 'csv', name: 'devices.csv', actor }, core, createJobKinds(core));
}

async function eventsOf(subject: string): Promise<readonly unknown[]> {
  const events = await core.store.audit.list({ subject, limit: 10 });
  return events.map(({ content }) => JSON.parse(content)).reverse();
}

describe('the input of a job', () => {
  it('is there with all its rows, and waits for its turn', async () => {
    const draft = await submit(core, {});
    expect(draft).toMatchObject({ state: 'draft', division: 'plant', total: 0 });
    const job = await load(draft.id, chunksOf(csvOfDevices(1201)));
    expect(job).toMatchObject({
      state: 'ready',
      total: 1201,
      done: 0,
      failed: 0,
      inputName: 'devices.csv',
      inputFormat: 'csv',
      inputColumns: '["name"]',
      loader: null,
    });
    const rows = await rowsOf(core, job.id);
    expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: 1201 }, (_, i) => i + 1));
    expect(rows[1200]).toMatchObject({ state: 'waiting', input: '{"name":"pump-1200"}' });
    expect(await eventsOf(job.id)).toMatchObject([
      { action: 'job.created', actor: 'user alice', remoteAddress: '192.0.2.1', division: 'plant' },
      { action: 'job.loaded', actor: 'user alice', requestId: 'r-1', total: 1201, failed: 0, input: 'devices.csv' },
    ]);
  });

  it('comes as JSON Lines, or in a ZIP archive, as well', async () => {
    const json = await submit(core, { content: '{"name":"a"}\n{"name":"b"}\n', format: 'jsonl' });
    expect(json).toMatchObject({ state: 'ready', total: 2, inputFormat: 'jsonl' });
    const zipped = zipSync({ 'devices.csv': Buffer.from(csvOfDevices(3)) });
    expect(await submit(core, { content: zipped, format: 'zip' })).toMatchObject({ total: 3, inputFormat: 'csv' });
    const wrong = zipSync({ 'devices.txt': Buffer.from(csvOfDevices(3)) });
    await expect(submit(core, { content: wrong, format: 'zip' })).rejects.toThrow('neither .csv nor .jsonl');
  });

  it('has rows that do not fit the kind of job as failed, each with its reason', async () => {
    const job = await submit(core, { content: 'name,group\na,\nb,no group\n' });
    expect(job).toMatchObject({ state: 'ready', total: 2, failed: 1 });
    expect((await rowsOf(core, job.id))[1]).toMatchObject({
      state: 'failed',
      errorCode: 'malformed-request',
      reason: expect.stringContaining('group: a name is 1 to 64'),
    });
  });

  it('waits to be started where the job was submitted so', async () => {
    const job = await submit(core, { start: false, content: csvOfDevices(1) });
    expect(job.state).toBe('paused');
    expect(await changeJob({ id: job.id, change: 'start', actor }, core)).toMatchObject({ state: 'ready' });
  });

  it('is one of 64 that a person may send at once', async () => {
    const drafts = await Promise.all(Array.from({ length: 66 }, () => submit(core, {})));
    const [last, ofOther, ...others] = drafts.map(({ id }) => id);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const started = others.map((id) => {
      let begun = () => {};
      const hasBegun = new Promise<void>((resolve) => {
        begun = resolve;
      });
      async function* slow() {
        yield Buffer.from('name\n');
        begun();
        await released;
        yield Buffer.from(`slow-${id}\n`);
      }
      return { hasBegun, ended: load(id, slow()) };
    });
    await Promise.all(started.map(({ hasBegun }) => hasBegun));
    const rows = () => chunksOf('name\nlate\n');
    await expect(load(last ?? '', rows())).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 30 });
    const bob = { ...actor, person: 'user:bob' };
    const input = { id: ofOther ?? '', source: rows(), format: 'csv', actor: bob } as const;
    expect(await loadInput(input, core, createJobKinds(core))).toMatchObject({ total: 1 });
    release();
    for (const { ended } of started) expect(await ended).toMatchObject({ total: 1 });
    expect(await load(last ?? '', rows())).toMatchObject({ total: 1 });
  });

  it('leaves no row behind when it is refused in the middle, and can be sent again', async () => {
    const { id } = await submit(core, {});
    const broken = `${csvOfDevices(3000)}a,b\n`;
    const error: unknown = await load(id, chunksOf(broken)).catch((refused) => refused);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ problems: [{ line: 3002, message: 'it has 2 cells, and the header 1' }] });
    expect(await core.store.jobs.findById({ id })).toMatchObject({ state: 'draft', total: 0, inputColumns: null });
    expect(await rowsOf(core, id)).toEqual([]);
    expect(await load(id, chunksOf(csvOfDevices(2)))).toMatchObject({ state: 'ready', total: 2 });
  });

  it('leaves no row behind when its sender is gone', async () => {
    const { id } = await submit(core, {});
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield* chunksOf(csvOfDevices(3000));
      throw new Error('aborted');
    }
    await expect(load(id, breaking())).rejects.toMatchObject({
      code: 'malformed-request',
      message: expect.stringContaining('it ended before all of it was there'),
    });
    expect(await core.store.jobs.findById({ id })).toMatchObject({ state: 'draft', total: 0 });
    expect(await rowsOf(core, id)).toEqual([]);
  });

  it('is taken once', async () => {
    const { id } = await submit(core, {});
    const attempts = await Promise.allSettled(Array.from({ length: 50 }, () => load(id, chunksOf(csvOfDevices(700)))));
    const refused = attempts.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(49);
    for (const each of refused) expect(each).toMatchObject({ reason: { code: 'invalid-state' } });
    expect(await core.store.jobs.findById({ id })).toMatchObject({ state: 'ready', total: 700 });
    expect(await rowsOf(core, id)).toHaveLength(700);
  });

  it('is not read on when its job is cancelled', async () => {
    const { id } = await submit(core, {});
    async function* cancelling(): AsyncGenerator<Uint8Array> {
      yield* chunksOf(csvOfDevices(1000));
      await changeJob({ id, change: 'cancel', actor }, core);
      yield* chunksOf(csvOfDevices(1000));
    }
    await expect(load(id, cancelling())).rejects.toMatchObject({ code: 'invalid-state' });
    expect(await core.store.jobs.findById({ id })).toMatchObject({ state: 'cancelled' });
  });

  it('is removed when its reader has been killed', async () => {
    const { id } = await submit(core, {});
    const { jobs, jobRows } = core.store;
    const row = (number: number) =>
      jobRows.insert({
        jobId: id,
        row: number,
        state: 'waiting',
        input: '{}',
        errorCode: null,
        reason: null,
        doneAt: null,
      });
    const now = core.clock.now().getTime();
    await core.store.commit({
      statements: [
        jobs.beginLoading({ id, from: 'draft', loader: 'killed', until: now - 1 }),
        ...Array.from({ length: 4001 }, (_, i) => row(i + 1)),
        jobs.count({ id, total: 4001, done: 0, failed: 0 }),
      ],
      audit: [],
    });
    await removeAbandonedRows(core);
    expect(await jobs.findById({ id })).toMatchObject({ state: 'draft', total: 0, loader: null });
    expect(await rowsOf(core, id)).toEqual([]);
  });

  it('is left alone while its reader is heard of', async () => {
    const { id } = await submit(core, {});
    const until = core.clock.now().getTime() + 10_000;
    const { jobs } = core.store;
    await core.store.commit({
      statements: [jobs.beginLoading({ id, from: 'draft', loader: 'other', until })],
      audit: [],
    });
    await removeAbandonedRows(core);
    expect(await jobs.findById({ id })).toMatchObject({ state: 'loading', loader: 'other' });
  });
});
