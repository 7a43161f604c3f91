/** Runs a job in a gateway process of its own: submitted, loaded and fetched over its management API. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { createLog } from '../../src/log.js';
import { type Core, openCore } from '../../src/open-core.js';
import { readSettings } from '../../src/settings.js';
import type { JobOverview } from '../../src/store/job-record.js';
import { type RunningGateway, startKillable } from '../crash/killable-gateway.js';
import { fleet } from '../support/fleet.js';
import { freePorts } from '../support/test-gateway.js';
import { type JobWork, type jobWorks, workOf } from './job-work.js';
import { type Management, openManagement } from './management.js';
import { type CpuTime, readProcessCpu, since } from './process-cpu.js';

export interface JobBench {
  readonly kind: (typeof jobWorks)[number];
  readonly rows: number;
  /** Kills the gateway in the middle and starts it again. */
  readonly kills: boolean;
  readonly directory: string;
}

/** Its last entry is a list of policies, which another one joins. */
const configuration = `${fleet}  - { name: batch, division: plant, authenticationPolicy: fleet, profiles: [{ usage: operational, profile: device }], issuingCa: devices, methods: [batch], keyGeneration: [gateway], defaultGroup: pumps }
`;

/** Returns the report. @throws Error when a row is lost or doubled */
export async function benchJob({ kind, rows, kills, directory }: JobBench): Promise<string> {
  const file = join(directory, 'fleet.yaml');
  await writeFile(file, configuration);
  const work = workOf(kind, directory);
  const [tls = 0, http = 0, admin = 0] = await freePorts(3);
  const flags = {
    data: directory,
    configuration: file,
    deviceTlsPort: tls,
    deviceHttpPort: http,
    adminPort: admin,
  };
  const options = [
    ...['--data', directory, '--configuration', file, '--device-tls-port', String(tls)],
    ...['--device-http-port', String(http), '--admin-port', String(admin)],
  ];
  let gateway = await startKillable(options);
  const core = await openCore({
    settings: readSettings({ flags, environment: {} }),
    log: createLog('silent'),
    clock: systemClock,
  });
  const url = `http://127.0.0.1:${http}/scep/fleet?operation=GetCACaps`;
  try {
    const management = await openManagement({ directory, port: admin });
    const idle = await waitsOf(url, async () => await passed(1000));
    const memory = [`${await peakMegabytes(gateway)} MB before`];
    const { id } = await management.call<{ id: string }>('POST', '/jobs', {
      kind: work.kind,
      options: work.options,
      start: false,
    });
    const loading = await measure(gateway, () => management.upload(`/jobs/${id}/input`, 'text/csv', work.rows(rows)));
    memory.push(`${await peakMegabytes(gateway)} MB with all rows read`);
    await management.call('POST', `/jobs/${id}/start`);
    let waits: readonly number[] = [];
    const running = await measure(gateway, async () => {
      waits = await waitsOf(url, async () => {
        if (!kills) return await until(id, core, ({ state }) => state === 'finished');
        await until(id, core, ({ done }) => done > rows / 2);
        await gateway.kill();
        gateway = await startKillable(options);
        await until(id, core, ({ state }) => state === 'finished');
      });
    });
    await check({ id, rows, work, core });
    memory.push(`${await peakMegabytes(gateway)} MB with all rows done`);
    const archive = work.hasArchive ? await fetchArchive(id, rows, gateway, management) : [];
    if (work.hasArchive) memory.push(`${await peakMegabytes(gateway)} MB with the archive sent`);
    return [
      `${rows} rows${kills ? ', with kill -9 in the middle and another start' : ''}: none lost, none doubled`,
      `  read: ${describeWork(loading, rows)}`,
      `  done: ${kills ? `${running.seconds.toFixed(1)} s` : describeWork(running, rows)}`,
      ...(kills ? [] : describeFloor(running, rows, work.floor())),
      ...archive,
      `  peak memory of the gateway${kills ? ' since its other start' : ''}: ${memory.slice(kills ? -1 - archive.length : 0).join(', ')}`,
      `  a device's GET waits ${describeWaits(waits)} while the job runs, ${describeWaits(idle)} before`,
    ].join('\n');
  } finally {
    await core.close();
    await gateway.kill();
  }
}

interface Measured {
  readonly seconds: number;
  /** Of the gateway's process; undefined where the system does not tell. */
  readonly cpu: CpuTime | undefined;
}

async function measure({ pid }: RunningGateway, work: () => Promise<unknown>): Promise<Measured> {
  const [start, before] = [performance.now(), readProcessCpu(pid)];
  await work();
  const after = readProcessCpu(pid);
  const cpu = before && after && since(before, after);
  return { seconds: (performance.now() - start) / 1000, cpu };
}

function describeWork({ seconds, cpu }: Measured, rows: number): string {
  const rate = `${seconds.toFixed(1)} s, ${(rows / seconds).toFixed(0)} rows/s`;
  if (cpu === undefined) return rate;
  const each = (microseconds: number) => `${(microseconds / rows).toFixed(0)} µs`;
  return `${rate}; CPU of a row ${each(cpu.eventLoop)} on the event loop, ${each(cpu.others)} on other threads`;
}

function describeFloor({ cpu }: Measured, rows: number, floor: number): string[] {
  if (cpu === undefined || floor === 0) return [];
  const times = (cpu.eventLoop + cpu.others) / rows / floor;
  return [`  floor: ${floor.toFixed(0)} µs to make a P-256 key and sign; a row is ${times.toFixed(1)} times that`];
}

async function fetchArchive(
  id: string,
  rows: number,
  gateway: RunningGateway,
  management: Management,
): Promise<string[]> {
  let octets = 0;
  const fetching = await measure(gateway, async () => {
    octets = await management.download(`/jobs/${id}/archive`);
  });
  return [`  archive: ${(octets / 1e6).toFixed(1)} MB, ${describeWork(fetching, rows)}`];
}

async function until(id: string, core: Core, isSo: (job: JobOverview) => boolean): Promise<void> {
  for (;;) {
    const job = await core.store.jobs.findById({ id });
    if (job !== undefined && isSo(job)) return;
    await passed(50);
  }
}

interface Checked {
  readonly id: string;
  readonly rows: number;
  readonly work: JobWork;
  readonly core: Core;
}

async function check({ id, rows, work, core }: Checked): Promise<void> {
  const job = await core.store.jobs.findById({ id });
  const ended = await core.store.jobRows.list({ jobId: id, after: 0, limit: rows + 1 });
  const results = new Set(ended.map(({ result }) => JSON.parse(result ?? '{}')[work.unique]));
  const made = await work.count(core);
  if (job?.done === rows && job.failed === 0 && results.size === rows && made === rows) return;
  const failure = ended.find(({ state }) => state === 'failed')?.reason ?? '';
  throw new Error(
    `of ${rows} rows ${job?.done} are done and ${job?.failed} failed, with ${results.size} results and ${made} devices ${failure}`,
  );
}

/** Milliseconds that requests took, one after the other, while `work` went on; those that failed are left out. */
async function waitsOf(url: string, work: () => Promise<void>): Promise<readonly number[]> {
  const waits: number[] = [];
  let isDone = false;
  const asking = async () => {
    while (!isDone) {
      const start = performance.now();
      const answered = await fetch(url).then(
        async (answer) => (await answer.text()) !== '',
        () => false,
      );
      if (answered) waits.push(performance.now() - start);
      await passed(20);
    }
  };
  const asked = asking();
  await work();
  isDone = true;
  await asked;
  return waits;
}

function describeWaits(waits: readonly number[]): string {
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  return `${at(0.5)} ms (median), ${at(0.99)} ms (99 %)`;
}

async function peakMegabytes({ pid }: RunningGateway): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  return (kilobytes / 1024).toFixed(0);
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
