/** Measures OCSP: answers that were signed before, and those that a nonce has signed anew, beside one signature. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createFloor } from './floor.js';
import { startGenerator } from './generator-process.js';
import type { LoadTarget, OcspJob } from './load-job.js';
import { createObserver, type OnProgress, observeKeepAlive, type Phase } from './phase.js';
import type { BenchReport } from './report.js';

export interface OcspServer {
  /** Of the responder, as certificates have it. */
  readonly target: LoadTarget;
  /** PEM certificate of the CA that is asked about. */
  readonly issuerPem: string;
  /** Of certificates that are good, lower-case hex. */
  readonly serialNumbers: readonly string[];
  /** Of the server, if it runs on this machine: its CPU time is read. */
  readonly pid?: number;
}

export interface OcspBenchOptions {
  readonly server: OcspServer;
  /** How long each phase sends. */
  readonly seconds: number;
  /** Numbers of clients over keep-alive connections. */
  readonly clients: readonly number[];
  readonly onProgress: OnProgress;
}

const warmUp = { clients: 16, seconds: 4, requests: 10_000 } as const;
/** About as much as there is of ResponseData. */
const signedLength = 170;

const questions = [
  { question: 'get', name: 'GET' },
  { question: 'post-with-nonce', name: 'POST with a nonce' },
] as const;

export async function benchOcsp({ server, seconds, clients, onProgress }: OcspBenchOptions): Promise<BenchReport> {
  const { pid, ...job } = server;
  const generator = startGenerator();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const data = Array.from({ length: 64 }, () => randomBytes(signedLength));
  const floor = createFloor(data, (each) => sign('sha256', each, privateKey));
  try {
    const observe = createObserver(generator, onProgress);
    const phases: Omit<Phase, 'floor'>[] = [];
    for (const { question, name } of questions) {
      const jobOf = (size: Pick<OcspJob, 'clients' | 'seconds' | 'requests'>): OcspJob => ({
        kind: 'ocsp',
        question,
        ...job,
        ...size,
      });
      const measured = await observeKeepAlive(observe, { jobOf, pid, seconds, clients, warmUp, floor });
      phases.push(...measured.map((phase) => ({ ...phase, name: `${name}, ${phase.name}` })));
    }
    const microseconds = floor.median();
    return {
      unit: 'answers',
      floors: [{ name: 'one P-256 signature', microseconds }],
      phases: phases.map((phase) => ({ ...phase, floor: microseconds })),
    };
  } finally {
    generator.close();
  }
}
