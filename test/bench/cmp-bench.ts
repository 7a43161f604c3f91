/** Measures CMP enrollment with P-256 keys, by a secret and by signatures, each beside the least that it could cost. */
import { createMacFloor, createSignatureFloor } from './cmp-floor.js';
import { startGenerator } from './generator-process.js';
import type { CmpJob, CmpProtection, LoadTarget } from './load-job.js';
import { createObserver, type OnProgress, observeKeepAlive, type Phase } from './phase.js';
import type { BenchReport } from './report.js';

export interface CmpServer {
  readonly target: LoadTarget;
  /** What is measured, one after the other. */
  readonly protections: readonly CmpProtection[];
  /** Of the server, if it runs on this machine: its CPU time is read. */
  readonly pid?: number;
}

export interface CmpBenchOptions {
  readonly server: CmpServer;
  /** How long each phase sends. */
  readonly seconds: number;
  /** Numbers of clients over keep-alive connections. */
  readonly clients: readonly number[];
  readonly onProgress: OnProgress;
}

/** Fewer than of EST's: each takes the generator a millisecond or two to prepare. */
const warmUp = { clients: 64, seconds: 8, requests: 4000 } as const;

const kinds = {
  mac: { title: 'PBM', createFloor: createMacFloor },
  signature: { title: 'signatures', createFloor: createSignatureFloor },
} as const;

export async function benchCmp({ server, seconds, clients, onProgress }: CmpBenchOptions): Promise<BenchReport> {
  const { pid, target, protections } = server;
  const generator = startGenerator();
  try {
    const observe = createObserver(generator, onProgress);
    const floors: BenchReport['floors'][number][] = [];
    const phases: Phase[] = [];
    for (const protection of protections) {
      const { title, createFloor } = kinds[protection.kind];
      const floor = createFloor();
      const jobOf = (size: Pick<CmpJob, 'clients' | 'seconds' | 'requests'>): CmpJob => ({
        kind: 'cmp',
        target,
        protection,
        ...size,
      });
      const measured = await observeKeepAlive(observe, { jobOf, pid, seconds, clients, warmUp, floor });
      const microseconds = floor.median();
      floors.push({ name: floor.name, microseconds });
      phases.push(...measured.map((phase) => ({ ...phase, name: `${title}, ${phase.name}`, floor: microseconds })));
    }
    return { floors, phases };
  } finally {
    generator.close();
  }
}
