import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import { createJob, planJob } from '../../src/jobs/create-job.js';
import { createJobKinds } from '../../src/jobs/job-kinds.js';
import { loadInput } from '../../src/jobs/load-input.js';
import { createLog } from '../../src/log.js';
import { type Core, openCore } from '../../src/open-core.js';
import { readSettings } from '../../src/settings.js';
import type { JobOverview } from '../../src/store/job-record.js';
import { fleet } from '../support/fleet.js';
import { freePorts } from '../support/test-gateway.js';
import { type RunningGateway, startKillable } from './killable-gateway.js';

const rows = 12_000;
const kills = 3;
const actor = { name: 'test', person: 'test' };

let directory: string;
let core: Core;
let gateway: RunningGateway;
let job: JobOverview;
/** How many rows were done at each kill. */
const doneAtKills: number[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-job-kill-'));
  const configuration = join(directory, 'fleet.yaml');
  await writeFile(configuration, fleet);
  const [deviceTlsPort = 0, deviceHttpPort = 0, adminPort = 0] = await freePorts(3);
  const flags = { data: directory, configuration, deviceTlsPort, deviceHttpPort, adminPort };
  const options = [
    ...['--data', directory, '--configuration', configuration, '--device-tls-port', String(deviceTlsPort)],
    ...['--device-http-port', String(deviceHttpPort), '--admin-port', String(adminPort)],
  ];
  gateway = await startKillable(options);
  // As the command line does, beside the running gateway.
  const settings = readSettings({ flags, environment: {} });
  core = await openCore({ settings, log: createLog('silent'), clock: systemClock });
  const kinds = createJobKinds(core);
  const planned = planJob({ kind: 'register-devices', options: { group: 'pumps' }, start: true }, kinds);
  const { id } = await createJob(planned, actor, core);
  async function* csv(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('name\n');
    for (let i = 0; i < rows; i++) yield Buffer.from(`device-${i}\n`);
  }
  job = await loadInput({ id, source: csv(), format: 'csv', actor }, core, kinds);
  for (let round = 0; round < kills; round++) {
    // Another process's lease has to lapse first.
    const before = doneAtKills.at(-1) ?? 0;
    await doneMoreThan(before + 100 + round * 77);
    await gateway.kill();
    doneAtKills.push((await overview()).done);
    gateway = await startKillable(options);
  }
  while ((await overview()).state !== 'finished') await passed(100);
}, 180_000);

afterAll(async () => {
  await core.close();
  await gateway.kill();
  await rm(directory, { recursive: true, force: true });
});

async function overview(): Promise<JobOverview> {
  const found = await core.store.jobs.findById({ id: job.id });
  if (found === undefined) throw new Error('the job is gone');
  return found;
}

async function doneMoreThan(count: number): Promise<void> {
  while ((await overview()).done <= count) await passed(5);
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
    const devices = await core.store.devices.list({ division: 'plant', limit: rows + 1 });
    expect(devices.map(({ id }) => id).toSorted()).toEqual(results.toSorted());
  });

  it('has one audit event for each device, and an unbroken chain of them', async () => {
    const events = await core.store.audit.list({ action: 'device.registered', limit: rows + 1 });
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(rows);
    expect(events).toHaveLength(rows);
    expect(await core.store.audit.verifyChain({ from: 1, limit: 1_000_000 })).toMatchObject({ intact: true });
  });
});
