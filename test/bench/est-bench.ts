/** Measures EST enrollment phase by phase, each beside the least that it could cost. */
import { type BareServer, startBareServer } from './bare-server-process.js';
import { createEstFloor } from './est-floor.js';
import { startGenerator } from './generator-process.js';
import type { HandshakeJob, LoadTarget } from './load-job.js';
import {
  createObserver,
  floorMilliseconds,
  type Observe,
  type OnProgress,
  observeKeepAlive,
  type Phase,
} from './phase.js';
import type { ClientCa, ClientIdentity } from './prepared-request.js';
import type { BenchReport } from './report.js';

export interface EstServer {
  readonly target: LoadTarget;
  /** Of the server, if it runs on this machine: its CPU time is read. */
  readonly pid?: number;
  readonly basic?: { readonly user: string; readonly password: string };
  readonly identity?: ClientIdentity;
  readonly clientCa?: ClientCa;
}

export interface EstBenchOptions {
  readonly server: EstServer;
  /** How long each phase sends. */
  readonly seconds: number;
  /** Numbers of clients over keep-alive connections. */
  readonly clients: readonly number[];
  readonly onProgress: OnProgress;
}

/** Some thousand enrollments. */
const warmUp = { clients: 64, seconds: 8, requests: 8000 } as const;
/** Of the connections of their own; more would only wait for each other. */
const handshakeClients = 16;
/** More than one core serves; each costs a client certificate that is made beforehand. */
const handshakesPerSecond = 700;

export async function benchEst({ server, seconds, clients, onProgress }: EstBenchOptions): Promise<BenchReport> {
  const { target, pid, basic, identity, clientCa } = server;
  const generator = startGenerator();
  const floor = createEstFloor();
  const usesCertificate = identity !== undefined || clientCa !== undefined;
  const bare = usesCertificate ? await startBareServer() : undefined;
  try {
    const observe = createObserver(generator, onProgress);
    const keepAlive = {
      kind: 'est',
      target,
      keepAlive: true,
      ...(basic ? { basic } : { ...(identity ? { identity } : {}) }),
    } as const;
    const measured = await observeKeepAlive(observe, {
      jobOf: (size) => ({ ...keepAlive, ...size }),
      pid,
      seconds,
      clients: basic || identity ? clients : [],
      warmUp,
      floor,
    });
    const handshakeFloor = bare && (await measureHandshake(bare, seconds / 2, observe));
    const anew: Phase[] = [];
    if (usesCertificate) {
      const name = 'new connection, client certificate';
      const credentials = { ...(clientCa ? { clientCa } : {}), ...(identity ? { identity } : {}) };
      const size = { clients: handshakeClients, seconds, requests: Math.ceil(seconds * handshakesPerSecond) };
      floor.measure(floorMilliseconds);
      const result = await observe(name, { kind: 'est', target, keepAlive: false, ...size, ...credentials }, pid);
      floor.measure(floorMilliseconds);
      anew.push({ name, ...result, floor: floor.median() + (handshakeFloor ?? 0) });
    }
    const cryptoFloor = floor.median();
    return {
      floors: [
        { name: 'import of a P-256 key, verification, signature', microseconds: cryptoFloor },
        ...(handshakeFloor === undefined
          ? []
          : [{ name: 'TLS handshake with a client certificate', microseconds: handshakeFloor }]),
      ],
      phases: [...measured.map((phase) => ({ ...phase, floor: cryptoFloor })), ...anew],
    };
  } finally {
    generator.close();
    bare?.close();
  }
}

async function measureHandshake(
  { pid, target, clientCa }: BareServer,
  seconds: number,
  observe: Observe,
): Promise<number> {
  const requests = Math.ceil(seconds * handshakesPerSecond);
  const job: HandshakeJob = { kind: 'handshake', target, clients: handshakeClients, clientCa, seconds, requests };
  await observe('handshake floor, warm-up', { ...job, seconds: 0.5, requests: 500 }, pid);
  const { cpu, failure } = await observe('handshake floor', job, pid);
  if (cpu === undefined || failure !== undefined)
    throw new Error(`the bare TLS server could not be measured: ${failure}`);
  return cpu.eventLoop + cpu.others;
}
