/** Measures SCEP enrollment with RSA-2048 keys phase by phase, beside the least that it could cost. */
import { startGenerator } from './generator-process.js';
import type { LoadTarget, ScepJob } from './load-job.js';
import { createObserver, type OnProgress, observeKeepAlive } from './phase.js';
import type { BenchReport } from './report.js';
import { createScepFloor } from './scep-floor.js';

export interface ScepServer {
  /** Of PKIOperation. */
  readonly target: LoadTarget;
  /** PEM certificate that messages are encrypted to. */
  readonly recipientPem: string;
  readonly challenge: string;
  /** Of the server, if it runs on this machine: its CPU time is read. */
  readonly pid?: number;
}

export interface ScepBenchOptions {
  readonly server: ScepServer;
  /** How long each phase sends. */
  readonly seconds: number;
  /** Numbers of clients over keep-alive connections. */
  readonly clients: readonly number[];
  readonly onProgress: OnProgress;
}

/** Fewer than of EST's: each takes the generator some milliseconds to prepare. */
const warmUp = { clients: 64, seconds: 8, requests: 2500 } as const;

export async function benchScep({ server, seconds, clients, onProgress }: ScepBenchOptions): Promise<BenchReport> {
  const { pid, ...job } = server;
  const generator = startGenerator();
  const floor = createScepFloor();
  try {
    const jobOf = (size: Pick<ScepJob, 'clients' | 'seconds' | 'requests'>): ScepJob => ({
      kind: 'scep',
      ...job,
      ...size,
    });
    const observe = createObserver(generator, onProgress);
    const measured = await observeKeepAlive(observe, { jobOf, pid, seconds, clients, warmUp, floor });
    const microseconds = floor.median();
    const name = 'RSA-2048: decryption, import of a key, two verifications, two signatures';
    return {
      floors: [{ name, microseconds }],
      phases: measured.map((phase) => ({ ...phase, floor: microseconds })),
    };
  } finally {
    generator.close();
  }
}
