import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Principal } from '../../../src/access/principal.js';
import { jobOperations } from '../../../src/api/jobs.js';
import type { Answer, Operation } from '../../../src/api/operation.js';
import { changeJob } from '../../../src/jobs/change-job.js';
import { createJobKinds } from '../../../src/jobs/job-kinds.js';
import { type JobRunner, startJobRunner } from '../../../src/jobs/runner.js';
import type { Grant } from '../../../src/model/access.js';
import type { Core } from '../../../src/open-core.js';
import { callOperation, type OperationCall, operationOf } from '../../support/call-operation.js';
import { actor, csvOfDevices, finished, jobThat, openJobCore } from '../jobs/job-store.js';

let core: Core & { readonly data: string };
let runner: JobRunner;
let operations: readonly Operation[];

beforeAll(async () => {
  core = await openJobCore();
  runner = startJobRunner(core, createJobKinds(core));
  operations = jobOperations({ ...core, version: '0' });
});

afterAll(async () => {
  await runner.close();
  await core.close();
});

const everything: readonly Grant[] = [{ role: 'solution-administrator' }];

interface Request extends Pick<OperationCall, 'params' | 'query' | 'body' | 'content' | 'contentType'> {
  readonly grants?: readonly Grant[];
}

async function call(id: string, { grants = everything, ...request }: Request = {}): Promise<Answer<unknown>> {
  const principal: Principal = { kind: 'user', id: 'alice', name: 'alice', person: 'user:alice', grants };
  return await callOperation(operationOf(operations, id), { ...request, principal, actor });
}

interface RowPage {
  readonly items: readonly { readonly row: number }[];
  readonly next?: string;
}

interface JobValue {
  readonly id: string;
  readonly state: string;
  readonly progress: { readonly total: number; readonly done: number; readonly failed: number };
}

async function create(changes: object = {}, grants: readonly Grant[] = everything): Promise<JobValue> {
  const body = { kind: 'register-devices', options: { group: 'pumps' }, ...changes };
  return (await call('createJob', { body, grants })).value as JobValue;
}

async function put(id: string, content: string, changes: Partial<Request> = {}): Promise<JobValue> {
  const request = { params: { id }, content, contentType: 'text/csv', ...changes };
  return (await call('putJobInput', request)).value as JobValue;
}

async function textOf(answer: Answer<unknown>): Promise<string> {
  const body = answer.content?.body;
  if (!(body instanceof Readable)) throw new Error('it is no stream');
  let text = '';
  for await (const chunk of body) text += chunk;
  return text;
}

describe('jobs over the management API', () => {
  it('are submitted, get their rows, run, and give their results', async () => {
    const made = await call('createJob', {
      body: { kind: 'register-devices', name: 'delivery 17', options: { group: 'pumps' } },
    });
    const { id } = made.value as JobValue;
    expect(made).toMatchObject({
      location: `/jobs/${id}`,
      value: {
        kind: 'register-devices',
        division: 'plant',
        state: 'draft',
        name: 'delivery 17',
        createdBy: 'user alice',
      },
    });
    const query = { name: 'pumps.csv' };
    expect(await put(id, `${csvOfDevices(3, 'api')}api-0\n`, { query })).toMatchObject({
      state: 'ready',
      input: { name: 'pumps.csv', format: 'csv', columns: ['name'] },
      progress: { total: 4, done: 0, failed: 0 },
    });
    await finished(core, id);
    expect((await call('getJob', { params: { id } })).value).toMatchObject({
      state: 'finished',
      progress: { total: 4, done: 3, failed: 1 },
      finishedAt: expect.any(String),
    });
    const failed = await call('listJobRows', { params: { id }, query: { state: 'failed' } });
    expect(failed.value).toMatchObject({ items: [{ error: { code: 'duplicate-request' } }] });
    const results = await call('getJobResults', { params: { id } });
    expect(results.content).toMatchObject({ type: 'text/csv', fileName: `job-${id}-results.csv` });
    expect((await textOf(results)).split('\r\n')).toHaveLength(6);
    const lines = await call('getJobResults', { params: { id }, query: { format: 'jsonl' } });
    expect(lines.content?.type).toBe('application/jsonl');
    expect((await textOf(lines)).trim().split('\n')).toHaveLength(4);
    expect(await textOf(await call('getJobFailures', { params: { id } }))).toContain('api-0,duplicate-request,');
    expect(await call('deleteJob', { params: { id } })).toEqual({});
    await expect(call('getJob', { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('list rows page by page', async () => {
    const { id } = await create({ start: false });
    await put(id, csvOfDevices(5, 'page'));
    const rows: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const { value } = await call('listJobRows', {
        params: { id },
        query: { limit: '2', ...(cursor ? { cursor } : {}) },
      });
      const { items, next } = value as { items: { row: number }[]; next?: string };
      rows.push(...items.map(({ row }) => row));
      cursor = next;
      if (cursor === undefined) break;
    }
    expect(rows).toEqual([1, 2, 3, 4, 5]);
    await expect(call('listJobRows', { params: { id }, query: { cursor: 'x' } })).rejects.toMatchObject({
      status: 400,
    });
  });

  it('list long rows in pages of a megabyte or so, whatever the limit', async () => {
    const { id } = await create({ start: false });
    const long = JSON.stringify({ name: 'a', attributes: { note: 'x'.repeat(200_000) } });
    await put(id, `${long}\n`.repeat(12), { contentType: 'application/jsonl' });
    const rowsOf = async (query: object) => (await call('listJobRows', { params: { id }, query })).value as RowPage;
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const { items, next } = await rowsOf({ limit: '1000', ...(cursor === undefined ? {} : { cursor }) });
      expect(items.length).toBeLessThanOrEqual(5);
      seen.push(...items.map(({ row }) => row));
      cursor = next;
    } while (cursor !== undefined);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const results = await call('getJobResults', { params: { id }, query: { format: 'jsonl' } });
    expect((await textOf(results)).trim().split('\n')).toHaveLength(12);
    await call('cancelJob', { params: { id } });
  });

  it('are listed latest first, page by page, by kind, state and division', async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.unshift((await create({ options: { division: 'office' } })).id);
    const first = await call('listJobs', { query: { division: 'office', limit: '2' } });
    const { items, next } = first.value as { items: JobValue[]; next: string };
    expect(items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await call('listJobs', { query: { division: 'office', limit: '2', cursor: next } });
    expect(second.value).toMatchObject({ items: [{ id: ids[2] }] });
    expect(second.value).not.toHaveProperty('next');
    const other = await call('listJobs', { query: { division: 'office', kind: 'revoke-certificates' } });
    expect(other.value).toEqual({ items: [] });
    const drafts = await call('listJobs', { query: { division: 'office', state: 'draft' } });
    expect((drafts.value as { items: JobValue[] }).items).toHaveLength(3);
  });

  it('are paused, resumed, started and cancelled', async () => {
    const { id } = await create({ start: false });
    expect((await put(id, csvOfDevices(1, 'states'))).state).toBe('paused');
    await expect(call('pauseJob', { params: { id } })).rejects.toMatchObject({ code: 'invalid-state' });
    expect((await call('cancelJob', { params: { id } })).value).toMatchObject({ state: 'cancelled' });
    await expect(call('startJob', { params: { id } })).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(call('resumeJob', { params: { id } })).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it.each([
    ['of no kind', { kind: 'dance', options: {} }],
    ['with options of another kind', { kind: 'revoke-certificates', options: { group: 'pumps' } }],
    ['with a member too many', { kind: 'register-devices', options: { group: 'pumps' }, colour: 'red' }],
    ['with a selection where there is none', { kind: 'register-devices', options: { group: 'pumps' }, select: {} }],
    ['without options', { kind: 'register-devices' }],
  ])('are refused %s by their schema', async (_, body) => {
    await expect(call('createJob', { body })).rejects.toMatchObject({ name: 'ZodError' });
  });

  it('refuse an input of another type, and one that cannot be read, with its lines', async () => {
    const { id } = await create();
    await expect(put(id, 'name\na\n', { contentType: 'text/plain' })).rejects.toMatchObject({ status: 415 });
    await expect(put(id, 'name\na,b\n')).rejects.toMatchObject({
      code: 'malformed-request',
      message: 'the file is refused, and no row of it was taken: line 2: it has 2 cells, and the header 1',
    });
  });
});

describe('who may do what with jobs', () => {
  const inOffice: readonly Grant[] = [{ role: 'device-administrator', division: 'office' }];

  it('has what is another division’s not there', async () => {
    const { id } = await create();
    const params = { id };
    for (const operation of [
      'getJob',
      'listJobRows',
      'getJobResults',
      'getJobFailures',
      'startJob',
      'pauseJob',
      'resumeJob',
      'cancelJob',
      'deleteJob',
    ]) {
      await expect(call(operation, { params, grants: inOffice })).rejects.toMatchObject({ code: 'not-found' });
    }
    await expect(put(id, 'name\na\n', { grants: inOffice })).rejects.toMatchObject({ code: 'not-found' });
    const listed = await call('listJobs', { grants: inOffice });
    expect(
      (listed.value as { items: { division: string }[] }).items.every(({ division }) => division === 'office'),
    ).toBe(true);
    expect((await call('listJobs', { query: { division: 'plant' }, grants: inOffice })).value).toEqual({ items: [] });
  });

  it('tells a group of another division and one that is not there alike', async () => {
    const refusals = await Promise.all(
      ['pumps', 'nowhere'].map((group) => create({ options: { group } }, inOffice).catch((error) => error)),
    );
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ status: 422, message: 'options: there is no such division, group or policy' });
    }
  });

  it('refuses a selection of what another division has, and tells nothing of it to who may not look', async () => {
    const selecting = (kind: string, group: string) => ({ kind, options: { division: 'plant' }, select: { group } });
    for (const kind of ['revoke-certificates', 'renew-certificates']) {
      for (const group of ['printers', 'nowhere']) {
        await expect(create(selecting(kind, group))).rejects.toMatchObject({
          status: 422,
          message: `select: the division has no device group "${group}"`,
        });
        await expect(create(selecting(kind, group), inOffice)).rejects.toMatchObject({
          status: 422,
          message: 'options: there is no such division, group or policy',
        });
      }
      await expect(create(selecting(kind, 'pumps'), inOffice)).rejects.toMatchObject({
        message: 'options: there is no such division, group or policy',
      });
    }
  });

  it('shows for whom a job runs, and why it is paused', async () => {
    const { id } = await create({ start: false });
    await put(id, csvOfDevices(1, 'shown'));
    expect((await call('getJob', { params: { id } })).value).toMatchObject({ runsFor: 'user alice' });
    const bob = { name: 'user bob', person: 'user:bob' };
    await changeJob({ id, change: 'start', actor: bob }, core);
    await jobThat(core, id, ({ problem }) => problem !== null);
    expect((await call('getJob', { params: { id } })).value).toMatchObject({
      state: 'paused',
      createdBy: 'user alice',
      runsFor: 'user bob',
      problem: 'user bob is deleted; who may submit such a job can resume it, in their own name',
    });
    expect((await call('resumeJob', { params: { id } })).value).toMatchObject({ runsFor: 'user alice' });
    expect(await finished(core, id)).toMatchObject({ done: 1 });
  });

  it('needs the permission for what the job does as well, in its division', async () => {
    const creator: readonly Grant[] = [{ role: 'device-creator', division: 'plant' }];
    const revocation = { kind: 'revoke-certificates', options: { division: 'plant' } };
    await expect(create(revocation, creator)).rejects.toMatchObject({ code: 'forbidden' });
    const elsewhere: readonly Grant[] = [...creator, { role: 'device-administrator', division: 'office' }];
    await expect(create(revocation, elsewhere)).rejects.toMatchObject({ code: 'forbidden' });
    const { id } = await create(revocation);
    await expect(put(id, 'device\na\n', { grants: creator })).rejects.toMatchObject({ code: 'forbidden' });
    for (const operation of ['startJob', 'cancelJob', 'deleteJob']) {
      await expect(call(operation, { params: { id }, grants: creator })).rejects.toMatchObject({ code: 'forbidden' });
    }
    expect(await create({}, creator)).toMatchObject({ state: 'draft' });
  });

  it('are bounded in each division, so that one cannot keep the others from theirs', async () => {
    const { id } = await create({ options: { group: 'printers' }, start: false });
    const found = await core.store.jobs.findById({ id });
    if (found === undefined) throw new Error('the job is not there');
    const others = Array.from({ length: 999 }, (_, index) => ({ ...found, id: `another-${index}` }));
    await core.store.commit({ statements: others.map(core.store.jobs.insert), audit: [] });
    await expect(create({ options: { group: 'printers' } })).rejects.toMatchObject({
      code: 'invalid-state',
      message: 'division office has 1000 jobs that have not ended; cancel some of them first',
    });
    expect(await create()).toMatchObject({ state: 'draft' });
  });
});
