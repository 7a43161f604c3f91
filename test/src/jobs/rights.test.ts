import { userInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createApiKey, revokeApiKey } from '../../../src/access/api-keys.js';
import { everything } from '../../../src/access/grants.js';
import { actorOf } from '../../../src/access/principal.js';
import { changeUser, createUser, deleteUser, setEnabled } from '../../../src/access/users.js';
import type { Actor } from '../../../src/audit/actor.js';
import { person } from '../../../src/cli/person.js';
import { changeJob } from '../../../src/jobs/change-job.js';
import { createRightsCheck } from '../../../src/jobs/rights.js';
import { type JobRunner, startJobRunner } from '../../../src/jobs/runner.js';
import type { Grant } from '../../../src/model/access.js';
import type { Core } from '../../../src/open-core.js';
import type { UserRecord } from '../../../src/store/access-record.js';
import { jobRecord } from '../store/management-records.js';
import { actor as alice, csvOfDevices, finished, jobThat, openJobCore, rowsOf, submit } from './job-store.js';
import { kindsDoing } from './kinds-doing.js';

let core: Core & { readonly data: string };
let runner: JobRunner | undefined;
/** Each row that was begun, and for whom. */
let begun: { readonly name: string; readonly actor: Actor }[] = [];

beforeEach(async () => {
  core = await openJobCore();
  begun = [];
});

afterEach(async () => {
  await runner?.close();
  runner = undefined;
  await core.close();
});

const kinds = kindsDoing(async (name, context) => {
  begun.push({ name, actor: context.actor });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await core.store.commit({ statements: context.done({ values: { greeting: name } }), audit: [] });
});
const [kind] = kinds.values();

const root = { actor: { name: 'test', person: 'test' }, grants: everything };
const creator: Grant = { role: 'device-creator', division: 'plant' };

async function user(name: string, ...grants: Grant[]): Promise<{ readonly record: UserRecord; readonly actor: Actor }> {
  const record = await createUser({ name, grants }, root, core);
  return { record, actor: actorOf({ kind: 'user', id: record.id, name, person: `user:${record.id}`, grants }, {}) };
}

async function apiKey(name: string, owner?: UserRecord, expiresAt?: Date) {
  const wanted = {
    name,
    grants: [creator],
    ...(owner ? { owner: owner.name } : {}),
    ...(expiresAt ? { expiresAt } : {}),
  };
  const { record } = await createApiKey(wanted, root, core);
  const of = owner === undefined ? `api-key:${record.id}` : `user:${owner.id}`;
  return { record, actor: actorOf({ kind: 'api-key', id: record.id, name, person: of, grants: [creator] }, {}) };
}

/** Why a job of this actor may not go on. */
async function problemOf(actor: Actor, at: Date = core.clock.now(), division = 'plant'): Promise<string | undefined> {
  if (kind === undefined) throw new Error('there is no kind');
  const job = { ...jobRecord('j', division), runsFor: JSON.stringify(actor) };
  return await createRightsCheck({ store: core.store, clock: { now: () => at } })(job, kind);
}

const resumable = '; who may submit such a job can resume it, in their own name';

describe('a job may go on', () => {
  it('for a user who is enabled and has the rights in its division', async () => {
    const { record, actor } = await user('bob', creator);
    expect(await problemOf(actor)).toBeUndefined();
    const missing = 'user bob has not got the permission job:write in division office any more';
    expect(await problemOf(actor, core.clock.now(), 'office')).toBe(`${missing}${resumable}`);
    const disabled = await setEnabled(record, false, root, core);
    expect(await problemOf(actor)).toBe(`user bob is disabled${resumable}`);
    const enabled = await setEnabled(disabled, true, root, core);
    expect(await problemOf(actor)).toBeUndefined();
    const changed = await changeUser(enabled, { grants: [{ role: 'auditor' }] }, root, core);
    expect(await problemOf(actor)).toContain('user bob has not got the permission job:write in division plant');
    const { id, updatedAt: seenAt } = changed;
    await core.store.commit({ statements: [core.store.users.remove({ id, seenAt })], audit: [] });
    expect(await problemOf(actor)).toBe(`user bob is deleted${resumable}`);
  });

  it('for an API key that is neither revoked nor expired', async () => {
    const expiresAt = new Date(core.clock.now().getTime() + 60_000);
    const { record, actor } = await apiKey('platform', undefined, expiresAt);
    expect(await problemOf(actor)).toBeUndefined();
    expect(await problemOf(actor, expiresAt)).toBe(`API key platform has expired${resumable}`);
    await revokeApiKey(record, root, core);
    expect(await problemOf(actor)).toBe(`API key platform was revoked${resumable}`);
  });

  it('for an API key as long as its user is enabled, and has the rights', async () => {
    const { record: owner } = await user('carol', creator);
    const { actor } = await apiKey('of-carol', owner);
    const other = await apiKey('of-carol-too', owner);
    expect(await problemOf(actor)).toBeUndefined();
    const less = await changeUser(owner, { grants: [{ role: 'auditor', division: 'plant' }] }, root, core);
    expect(await problemOf(actor)).toContain('API key of-carol has not got the permission job:write in division plant');
    const more = await changeUser(less, { grants: [creator] }, root, core);
    await revokeApiKey(other.record, root, core);
    expect(await problemOf(actor)).toBeUndefined();
    expect(await problemOf(other.actor)).toContain('API key of-carol-too was revoked');
    await deleteUser(more, root, core);
    expect(await problemOf(actor)).toContain('API key of-carol was revoked');
  });

  it('for whoever has the command line, and for nobody else who is not known', async () => {
    expect(await problemOf(person())).toBeUndefined();
    expect(await problemOf({ name: 'x', person: 'x' })).toContain('it is not known who x is');
    const gone = { name: 'API key gone', person: 'api-key:gone', apiKey: 'gone' };
    expect(await problemOf(gone)).toContain('API key gone is not there any more');
  });
});

describe('a job whose API key is revoked in the middle', () => {
  it('is paused, tells why, and goes on for who resumes it: no row is lost, none is done twice', async () => {
    const { record, actor } = await apiKey('platform');
    const { id } = await submit(core, { content: csvOfDevices(2000), by: actor }, kinds);
    runner = startJobRunner(core, kinds);
    await jobThat(core, id, ({ done }) => done > 50);
    await revokeApiKey(record, root, core);
    const paused = await jobThat(core, id, ({ state }) => state === 'paused');
    expect(paused.problem).toBe(`API key platform was revoked${resumable}`);
    const [event] = await core.store.audit.list({ action: 'job.paused', subject: id, limit: 2 });
    expect(JSON.parse(event?.content ?? '')).toMatchObject({
      actor: 'gateway',
      division: 'plant',
      problem: paused.problem,
    });
    // Those that were under way end.
    await jobThat(core, id, ({ done }) => done === begun.length);
    const count = begun.length;
    expect(count).toBeLessThan(2000);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(begun).toHaveLength(count);

    const resumed = await changeJob({ id, change: 'resume', actor: alice }, core);
    expect(resumed).toMatchObject({ problem: null, createdBy: JSON.stringify(actor), runsFor: JSON.stringify(alice) });
    expect(await finished(core, id)).toMatchObject({ done: 2000, failed: 0 });
    expect(new Set(begun.map(({ name }) => name)).size).toBe(2000);
    expect(begun).toHaveLength(2000);
    expect((await rowsOf(core, id)).every(({ state }) => state === 'done')).toBe(true);
    expect(new Set(begun.slice(0, count).map((row) => row.actor.name))).toEqual(new Set(['API key platform']));
    expect(new Set(begun.slice(count).map((row) => row.actor.name))).toEqual(new Set(['user alice']));
  });

  it('is not resumed for long by who may not submit it either', async () => {
    const { record, actor } = await user('bob', creator);
    const { id } = await submit(core, { content: csvOfDevices(3), by: actor, start: false }, kinds);
    await setEnabled(record, false, root, core);
    await changeJob({ id, change: 'start', actor }, core);
    runner = startJobRunner(core, kinds);
    const paused = await jobThat(core, id, ({ state, problem }) => state === 'paused' && problem !== null);
    expect(paused.problem).toBe(`user bob is disabled${resumable}`);
    await changeJob({ id, change: 'resume', actor }, core);
    await jobThat(core, id, ({ state, problem }) => state === 'paused' && problem !== null);
    expect(begun).toEqual([]);
    expect((await core.store.audit.list({ action: 'job.paused', subject: id, limit: 5 })).length).toBe(2);
  });

  it('goes on where it was submitted at the command line', async () => {
    const { id } = await submit(core, { content: csvOfDevices(3), by: person() }, kinds);
    runner = startJobRunner(core, kinds);
    expect(await finished(core, id)).toMatchObject({ done: 3 });
    expect(begun[0]?.actor).toEqual({ ...person(), job: id });
    expect(begun[0]?.actor.name).toBe(`command line (${userInfo().username})`);
  });
});

describe('who resumes or starts a job', () => {
  it('is not mixed up with whom it ran for when the gateway pauses it', async () => {
    const { actor } = await apiKey('platform');
    const { id } = await submit(core, { content: csvOfDevices(1), by: actor }, kinds);
    const seen = JSON.stringify(actor);
    await changeJob({ id, change: 'pause', actor: alice }, core);
    await changeJob({ id, change: 'resume', actor: alice }, core);
    const stale = core.store.jobs.pause({ id, runsFor: seen, problem: 'x' });
    await expect(core.store.commit({ statements: [stale], audit: [] })).rejects.toMatchObject({
      code: 'invalid-state',
    });
    expect(await core.store.jobs.findById({ id })).toMatchObject({ state: 'ready', problem: null });
  });
});
