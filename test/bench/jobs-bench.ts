/** Runs a job in a gateway of its own, beside which it is submitted as by the command line. */
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../src/clock.js';
import { createJob, planJob } from '../../src/jobs/create-job.js';
import { createJobKinds } from '../../src/jobs/job-kinds.js';
import { loadInput } from '../../src/jobs/load-input.js';
import { createLog } from '../../src/log.js';
import { type Core, openCore } from '../../src/open-core.js';
import { readSettings } from '../../src/settings.js';
import type { JobOverview } from '../../src/store/job-record.js';
import { type RunningGateway, startKillable } from '../crash/killable-gateway.js';
import { freePorts } from '../support/test-gateway.js';
import { type CpuTime, readProcessCpu, since } from './process-cpu.js';

export interface JobBench {
  readonly kind: 'register';
  readonly rows: number;
  /** Kills the gateway in the middle and starts it again. */
  readonly kills: boolean;
  readonly directory: string;
}

const actor = { name: 'bench', person: 'bench' };

/** Returns the report. @throws Error when a row is lost or doubled */
export async function benchJob({ rows, kills, directory }: JobBench): Promise<string> {
  const [tls, http, admin] = await freePorts(3);
  const flags = { data: directory, deviceTlsPort: tls, deviceHttpPort: http, adminPort: admin };
  const options = [
    ...['--data', directory, '--device-tls-port', String(tls), '--device-http-port', String(http)],
    ...['--admin-port', String(admin)],
  ];
  let gateway = await startKillable(options);
  const core = await openCore({
    settings: readSettings({ flags, environment: {} }),
    log: createLog('silent'),
    clock: systemClock,
  });
  const url = `http://127.0.0.1:${http}/scep/quickstart?operation=GetCACaps`;
  try {
    const idle = await waitsOf(url, async () => await passed(1000));
    const id = await submit(core, rows);
    const before = costOf(gateway);
    const start = performance.now();
    const busy = await waitsOf(url, async () => {
      if (!kills) return await until(id, core, ({ state }) => state === 'finished');
      await until(id, core, ({ done }) => done > rows / 2);
      await gateway.kill();
      gateway = await startKillable(options);
      await until(id, core, ({ state }) => state === 'finished');
    });
    const seconds = (performance.now() - start) / 1000;
    await check(id, rows, core);
    const cost = before === undefined ? undefined : costSince(before, gateway);
    return [
      `${rows} rows${kills ? ', with kill -9 in the middle and another start' : ''}: none lost, none doubled`,
      `  ${seconds.toFixed(1)} s, ${(rows / seconds).toFixed(0)} rows/s`,
      ...(cost === undefined || kills
        ? []
        : [
            `  CPU of a row: ${(cost.eventLoop / rows).toFixed(0)} µs on the event loop, ${(cost.others / rows).toFixed(0)} µs on other threads`,
          ]),
      `  peak memory of the gateway: ${await peakMegabytes(gateway)} MB`,
      `  a device's GET waits ${describe(busy)} while the job runs, ${describe(idle)} before`,
    ].join('\n');
  } finally {
    await core.close();
    await gateway.kill();
  }
}

async function submit(core: Core, rows: number): Promise<string> {
  const kinds = createJobKinds(core);
  const [group] = core.catalog().groups.values();
  const planned = planJob({ kind: 'register-devices', options: { group: group?.name }, start: true }, kinds);
  const { id } = await createJob(planned, actor, core);
  await loadInput({ id, source: devices(rows), format: 'csv', actor }, core, kinds);
  return id;
}

async function* devices(rows: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from('name,identifier.serial,attribute.site\n');
  for (let first = 0; first < rows; first += 1000) {
    const lines = Array.from({ length: Math.min(1000, rows - first) }, (_, i) => first + i);
    yield Buffer.from(lines.map((i) => `device-${i},SN${i * 7919},site-${i % 50}\n`).join(''));
  }
}

async function until(id: string, core: Core, isSo: (job: JobOverview) => boolean): Promise<void> {
  for (;;) {
    const job = await core.store.jobs.findById({ id });
    if (job !== undefined && isSo(job)) return;
    await passed(50);
  }
}

async function check(id: string, rows: number, core: Core): Promise<void> {
  const job = await core.store.jobs.findById({ id });
  const devices = await core.store.devices.list({ limit: rows + 1 });
  if (job?.done !== rows || job.failed !== 0 || devices.length !== rows) {
    throw new Error(`of ${rows} rows ${job?.done} are done and ${job?.failed} failed, with ${devices.length} devices`);
  }
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

function describe(waits: readonly number[]): string {
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  return `${at(0.5)} ms (median), ${at(0.99)} ms (99 %)`;
}

function costOf({ pid }: RunningGateway): CpuTime | undefined {
  return readProcessCpu(pid);
}

function costSince(before: CpuTime, gateway: RunningGateway): CpuTime | undefined {
  const after = costOf(gateway);
  return after === undefined ? undefined : since(before, after);
}

async function peakMegabytes({ pid }: RunningGateway): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  return (kilobytes / 1024).toFixed(0);
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
