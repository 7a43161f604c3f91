/** Measures ACME orders phase by phase, beside the least that they could cost. */
import { createAcmeFloor } from './acme-floor.js';
import { startGenerator } from './generator-process.js';
import type { AcmeJob } from './load-job.js';
import { createObserver, type OnProgress, observeKeepAlive } from './phase.js';
import type { BenchReport } from './report.js';

/** What is asked of the server, whatever the size. */
export type AcmeWork = Omit<AcmeJob, 'kind' | 'clients' | 'seconds' | 'requests'>;

export interface AcmeServer {
  readonly work: AcmeWork;
  /** Whether identifiers are proved by challenges; otherwise every order is ready at once. */
  readonly challenges: boolean;
  /** Of the server, if it runs on this machine: its CPU time is read. */
  readonly pid?: number;
}

export interface AcmeBenchOptions {
  readonly server: AcmeServer;
  /** How long each phase sends. */
  readonly seconds: number;
  /** Numbers of clients over keep-alive connections. */
  readonly clients: readonly number[];
  readonly onProgress: OnProgress;
}

/** Fewer than of EST's: each is several messages. No more clients than are measured: there are servers that stop under many. */
const warmUp = { seconds: 8, requests: 3000 } as const;
const warmUpClients = 64;

export async function benchAcme({ server, seconds, clients, onProgress }: AcmeBenchOptions): Promise<BenchReport> {
  const { pid, work, challenges } = server;
  const generator = startGenerator();
  const floor = createAcmeFloor({ challenges });
  try {
    const jobOf = (size: Pick<AcmeJob, 'clients' | 'seconds' | 'requests'>): AcmeJob => ({
      kind: 'acme',
      ...work,
      ...size,
    });
    const observe = createObserver(generator, onProgress);
    const measured = await observeKeepAlive(observe, {
      jobOf,
      pid,
      seconds,
      clients,
      warmUp: { ...warmUp, clients: Math.min(warmUpClients, Math.max(...clients)) },
      floor,
    });
    const microseconds = floor.median();
    return {
      floors: [{ name: floor.name, microseconds }],
      phases: measured.map((phase) => ({ ...phase, floor: microseconds })),
    };
  } finally {
    generator.close();
  }
}
