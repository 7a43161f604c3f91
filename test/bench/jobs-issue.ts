/** Jobs that issue certificates to keys that the gateway makes: rows and archive, beside the floor of making and signing. */
import { createECDH, generateKeyPairSync, sign } from 'node:crypto';
import { findArchivedJob, openArchive } from '../../src/jobs/archive/open-archive.js';
import type { Core } from '../../src/open-core.js';
import { operator, submitIssueJob } from '../support/issue-job.js';
import { type CpuTime, readProcessCpu, since } from './process-cpu.js';

export interface IssueBench {
  readonly rows: number;
  readonly seconds: number;
  /** Microseconds of all threads for each row. */
  readonly cpuPerRow: number;
  /** Making a P-256 key and signing a certificate, microseconds. */
  readonly floor: number;
  readonly archive: { readonly seconds: number; readonly octets: number; readonly cpuPerRow: number };
  /** Octets, at the most. */
  readonly peakMemory: number;
}

const rowsAtOnce = 32;

/** @param policy takes the method batch and makes keys; @param recipient PEM certificate */
export async function benchIssueJob(
  core: Core,
  { rows, policy, recipient }: { readonly rows: number; readonly policy: string; readonly recipient: string },
): Promise<IssueBench> {
  const floor = await measureFloor();
  const job = await submitIssueJob(core, { policy, keys: 'gateway', archive: { recipient } }, rows);
  let next = 1;
  const work = async () => {
    while (next <= rows) {
      const row = next++;
      const { code, reason } = await job.perform(row, { subject: `CN=bench-${job.id.slice(-8)}-${row}` });
      if (code !== undefined) throw new Error(`row ${row}: ${code}: ${reason}`);
    }
  };
  const issuing = await measure(() => Promise.all(Array.from({ length: rowsAtOnce }, work)));
  await job.end();
  let octets = 0;
  const archiving = await measure(async () => {
    const { body } = await openArchive(await findArchivedJob(job.id, core), operator, core);
    for await (const piece of body) octets += piece.length;
  });
  return {
    rows,
    seconds: issuing.seconds,
    cpuPerRow: issuing.cpu / rows,
    floor,
    archive: { seconds: archiving.seconds, octets, cpuPerRow: archiving.cpu / rows },
    peakMemory: process.resourceUsage().maxRSS * 1024,
  };
}

export function formatIssueBench({ rows, seconds, cpuPerRow, floor, archive, peakMemory }: IssueBench): string {
  const megabytes = (octets: number) => `${(octets / 1e6).toFixed(1)} MB`;
  return [
    `floor: make a P-256 key and sign   ${floor.toFixed(0)} µs`,
    `rows: ${rows}, ${(rows / seconds).toFixed(0)}/s, CPU each ${cpuPerRow.toFixed(0)} µs, CPU / floor ${(cpuPerRow / floor).toFixed(2)}`,
    `archive: ${megabytes(archive.octets)}, ${(rows / archive.seconds).toFixed(0)} rows/s, CPU each ${archive.cpuPerRow.toFixed(0)} µs`,
    `peak memory: ${megabytes(peakMemory)}`,
  ].join('\n');
}

/** As cheaply as it can be done here: without key objects. */
async function measureFloor(): Promise<number> {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const rounds = 1000;
  const { cpu } = await measure(async () => {
    for (let i = 0; i < rounds; i++) {
      const pair = createECDH('prime256v1');
      sign('sha256', pair.generateKeys(), ca);
      pair.getPrivateKey();
    }
  });
  return cpu / rounds;
}

async function measure(work: () => Promise<unknown>): Promise<{ readonly seconds: number; readonly cpu: number }> {
  const none: CpuTime = { eventLoop: 0, others: 0 };
  const [startedAt, before] = [performance.now(), readProcessCpu(process.pid) ?? none];
  await work();
  const { eventLoop, others } = since(before, readProcessCpu(process.pid) ?? none);
  return { seconds: (performance.now() - startedAt) / 1000, cpu: eventLoop + others };
}
