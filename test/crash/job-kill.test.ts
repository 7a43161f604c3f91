import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { person } from '../../src/cli/person.js';
import { systemClock } from '../../src/clock.js';
import { openJobKeys } from '../../src/jobs/archive/job-keys.js';
import { findArchivedJob } from '../../src/jobs/archive/open-archive.js';
import { changeJob } from '../../src/jobs/change-job.js';
import { createJob, planJob } from '../../src/jobs/create-job.js';
import { createJobKinds } from '../../src/jobs/job-kinds.js';
import { loadInput } from '../../src/jobs/load-input.js';
import { createLog } from '../../src/log.js';
import { type Core, openCore } from '../../src/open-core.js';
import { readSettings } from '../../src/settings.js';
import type { JobOverview } from '../../src/store/job-record.js';
import { fleet, policyLike } from '../support/fleet.js';
import { freePorts } from '../support/test-gateway.js';
import { type RunningGateway, startKillable } from './killable-gateway.js';

const rows = 2_000;
const certificates = 1_200;
const kills = 3;
const actor = person();

let directory: string;
let core: Core;
let gateway: RunningGateway;
let job: JobOverview;
let issuing: JobOverview;
/** How many rows were done at each kill. */
const doneAtKills: number[] = [];
const issuedAtKills: number[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-job-kill-'));
  const configuration = join(directory, 'fleet.yaml');
  // Its last entry is a list of policies, which another one joins.
  await writeFile(configuration, `${fleet}${policyLike('batch', 'methods: [batch]').replace('policies:\n', '')}`);
  const [deviceTlsPort = 0, deviceHttpPort = 0, adminPort = 0] = await freePorts(3);
  const flags = { data: directory, configuration, deviceTlsPort, deviceHttpPort, adminPort };
  const flagsOfStart = [
    ...['--data', directory, '--configuration', configuration, '--device-tls-port', String(deviceTlsPort)],
    ...['--device-http-port', String(deviceHttpPort), '--admin-port', String(adminPort)],
  ];
  gateway = await startKillable(flagsOfStart);
  // As the command line does, beside the running gateway.
  const settings = readSettings({ flags, environment: {} });
  core = await openCore({ settings, log: createLog('silent'), clock: systemClock });
  job = await submit(
    'register-devices',
    { group: 'pumps' },
    csv('name', rows, (i) => `device-${i}`),
  );
  const archive = { password: 'correct horse battery' };
  const options = { policy: 'batch', keys: 'gateway', archive };
  issuing = await submit(
    'issue-certificates',
    options,
    csv('subject', certificates, (i) => `CN=issued-${i}`),
  );
  for (const { id } of [issuing, job]) await changeJob({ id, change: 'start', actor }, core);
  for (let round = 0; round < kills; round++) {
    await doneMoreThan(job, (doneAtKills.at(-1) ?? 0) + 100 + round * 77);
    await doneMoreThan(issuing, (issuedAtKills.at(-1) ?? 0) + 20);
    await gateway.kill();
    doneAtKills.push((await overview()).done);
    issuedAtKills.push((await overview(issuing)).done);
    // The lease of the one that was killed has to lapse: the first time by itself, which takes ten seconds.
    for (const { id } of [job, issuing]) if (round > 0) await lapse(`job:${id}`);
    gateway = await startKillable(flagsOfStart);
  }
  for (const each of [job, issuing]) {
    while ((await overview(each)).state !== 'finished') await passed(100);
  }
}, 180_000);

afterAll(async () => {
  await core.close();
  await gateway.kill();
  await rm(directory, { recursive: true, force: true });
});

/** As if ten seconds had gone by. @throws where nobody had a lease */
async function lapse(name: string): Promise<void> {
  const { leases } = core.store;
  const lease = await leases.find({ name });
  if (lease === undefined) throw new Error(`nobody had ${name}`);
  const { holder, until } = lease;
  await core.store.commit({ statements: [leases.take({ name, holder, until: 0, now: until })], audit: [] });
}

async function submit(kind: string, options: object, source: AsyncIterable<Uint8Array>): Promise<JobOverview> {
  const kinds = createJobKinds(core);
  const { id } = await createJob(planJob({ kind, options, start: false }, kinds), actor, core);
  return await loadInput({ id, source, format: 'csv', actor }, core, kinds);
}

async function* csv(header: string, count: number, line: (i: number) => string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${header}\n`);
  for (let i = 0; i < count; i++) yield Buffer.from(`${line(i)}\n`);
}

async function overview({ id }: JobOverview = job): Promise<JobOverview> {
  const found = await core.store.jobs.findById({ id });
  if (found === undefined) throw new Error('the job is gone');
  return found;
}

async function doneMoreThan(of: JobOverview, count: number): Promise<void> {
  while ((await overview(of)).done <= count) await passed(5);
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe(`A job whose gateway was killed ${kills} times with kill -9`, () => {
  it('was in the middle of it each time, and ends by itself', async () => {
    expect(doneAtKills).toHaveLength(kills);
    for (const done of doneAtKills) expect(done).toBeLessThan(rows);
    expect(await overview()).toMatchObject({ state: 'finished', total: rows, done: rows, failed: 0 });
  });

  it('has lost no row and done none twice', async () => {
    const ended = await core.store.jobRows.list({ jobId: job.id, after: 0, limit: rows + 1 });
    expect(ended).toHaveLength(rows);
    expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(['done']));
    const results = ended.map(({ result }) => JSON.parse(result ?? '').deviceId);
    expect(new Set(results).size).toBe(rows);
    const devices = await core.store.devices.list({ division: 'plant', limit: rows + certificates + 1 });
    const registered = devices.filter(({ name }) => name.startsWith('device-'));
    expect(registered.map(({ id }) => id).toSorted()).toEqual(results.toSorted());
  });

  it('has one audit event for each device, and an unbroken chain of them', async () => {
    const all = await core.store.audit.list({ action: 'device.registered', limit: rows + certificates + 1 });
    const events = all.filter(({ content }) => JSON.parse(content).job === job.id);
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(rows);
    expect(events).toHaveLength(rows);
    expect(await core.store.audit.verifyChain({ from: 1, limit: 1_000_000 })).toMatchObject({ intact: true });
  });
});

describe('A job that issues certificates, beside it', () => {
  it('was in the middle of it as well, and ends by itself', async () => {
    for (const done of issuedAtKills) expect(done).toBeGreaterThan(0);
    for (const done of issuedAtKills) expect(done).toBeLessThan(certificates);
    expect(await overview(issuing)).toMatchObject({ state: 'finished', total: certificates, done: certificates });
  });

  it('has issued one certificate for each row, with the key that is kept for it', async () => {
    const archived = await core.store.jobArchives.archiveRows({ jobId: issuing.id, after: 0, limit: certificates + 1 });
    expect(archived).toHaveLength(certificates);
    const issued = await core.store.certificates.list({ policy: 'batch', limit: certificates + 1 });
    const inRows = archived.map(({ result }) => JSON.parse(result).serialNumber);
    expect(issued.map(({ serialNumber }) => serialNumber).toSorted()).toEqual(inRows.toSorted());
    const { sealedJobKey } = await findArchivedJob(issuing.id, core);
    const keys = openJobKeys(issuing.id, sealedJobKey ?? new Uint8Array(), core.sealing);
    for (const { row, certificate, sealedKey } of archived.filter((_, index) => index % 50 === 0)) {
      const pkcs8 = Buffer.from(keys.openRowKey(row, sealedKey ?? new Uint8Array()));
      const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
      expect(new X509Certificate(certificate).checkPrivateKey(key)).toBe(true);
    }
  });
});
