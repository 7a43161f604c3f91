/** Measures EST enrollment phase by phase, each beside the least that it could cost. */
import { type BareServer, startBareServer } from './bare-server-process.js';
import { createCryptoFloor } from './floor.js';
import { type Generator, startGenerator } from './generator-process.js';
import type { LoadJob, LoadResult, LoadTarget } from './load-job.js';
import type { ClientCa, ClientIdentity } from './prepared-request.js';
import { type CpuTime, readProcessCpu, since } from './process-cpu.js';

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
  readonly onProgress: (phase: string, share: number, enrollmentsPerSecond: number) => void;
}

export interface PhaseReport extends LoadResult {
  readonly name: string;
  /** Server CPU of one enrollment, microseconds; absent for a server elsewhere. */
  readonly cpu?: CpuTime;
  /** CPU microseconds; for what has connections of its own, a handshake included. */
  readonly floor: number;
}

export interface EstReport {
  /** CPU microseconds of the cryptography of one enrollment. */
  readonly cryptoFloor: number;
  /** CPU microseconds, in the server, of one handshake with a client certificate. */
  readonly handshakeFloor?: number;
  readonly phases: readonly PhaseReport[];
}

/** Until V8 has compiled what is hot: some thousand enrollments, or as many as a slow machine gets done. */
const warmUp = { clients: 64, seconds: 8, requests: 8000 } as const;
const floorMilliseconds = 300;
/** Of the connections of their own; more would only wait for each other. */
const handshakeClients = 16;
/** More than one core serves; each costs a client certificate that is made beforehand. */
const handshakesPerSecond = 700;

export async function benchEst({ server, seconds, clients, onProgress }: EstBenchOptions): Promise<EstReport> {
  const generator = startGenerator();
  const floor = createCryptoFloor();
  const { target, basic, identity, clientCa } = server;
  const usesCertificate = identity !== undefined || clientCa !== undefined;
  const bare = usesCertificate ? await startBareServer() : undefined;
  try {
    const observe = (name: string, job: LoadJob, pid: number | undefined) =>
      measure(generator, job, pid, (done, share) => onProgress(name, share, done));
    const keepAlive = {
      kind: 'enroll',
      target,
      keepAlive: true,
      ...(basic ? { basic } : { ...(identity ? { identity } : {}) }),
    } as const;
    const warm = await observe('warm-up', { ...keepAlive, ...warmUp }, undefined);
    if (warm.done === 0) throw new Error(`nothing was enrolled: ${warm.failure}`);
    // More than the warm-up's rate, for it was cold; a phase that runs out of requests ends early and is measured right.
    const requests = Math.ceil((warm.done / warm.seconds) * 1.6 * seconds);

    const measured: Omit<PhaseReport, 'floor'>[] = [];
    for (const count of basic || identity ? clients : []) {
      floor.measure(floorMilliseconds);
      const name = `keep-alive, ${count} client${count === 1 ? '' : 's'}`;
      measured.push({
        name,
        ...(await observe(name, { ...keepAlive, clients: count, seconds, requests }, server.pid)),
      });
    }
    const handshakeFloor = bare && (await measureHandshake(bare, seconds / 2, observe));
    floor.measure(floorMilliseconds);
    const anew: PhaseReport[] = [];
    if (usesCertificate) {
      const name = 'new connection, client certificate';
      const job: LoadJob = {
        kind: 'enroll',
        target,
        keepAlive: false,
        clients: handshakeClients,
        seconds,
        requests: Math.ceil(seconds * handshakesPerSecond),
        ...(clientCa ? { clientCa } : {}),
        ...(identity ? { identity } : {}),
      };
      const result = await observe(name, job, server.pid);
      floor.measure(floorMilliseconds);
      anew.push({ name, ...result, floor: floor.median() + (handshakeFloor ?? 0) });
    }
    const cryptoFloor = floor.median();
    const phases = [...measured.map((phase) => ({ ...phase, floor: cryptoFloor })), ...anew];
    return { cryptoFloor, ...(handshakeFloor === undefined ? {} : { handshakeFloor }), phases };
  } finally {
    generator.close();
    bare?.close();
  }
}

type Measured = LoadResult & { readonly cpu?: CpuTime };

async function measure(
  generator: Generator,
  job: LoadJob,
  pid: number | undefined,
  onProgress: (rate: number, share: number) => void,
): Promise<Measured> {
  let before: CpuTime | undefined;
  let began = 0;
  const result = await generator.run(
    job,
    () => {
      began = performance.now();
      before = pid === undefined ? undefined : readProcessCpu(pid);
    },
    (done) => {
      const passed = (performance.now() - began) / 1000;
      onProgress(done / passed, passed / job.seconds);
    },
  );
  const after = pid === undefined ? undefined : readProcessCpu(pid);
  if (before === undefined || after === undefined) return result;
  const { eventLoop, others } = since(before, after);
  return { ...result, cpu: { eventLoop: eventLoop / result.done, others: others / result.done } };
}

async function measureHandshake(
  { pid, target, clientCa }: BareServer,
  seconds: number,
  observe: (name: string, job: LoadJob, pid: number) => Promise<Measured>,
): Promise<number> {
  const job: LoadJob = {
    kind: 'handshake',
    target,
    clients: handshakeClients,
    keepAlive: false,
    clientCa,
    seconds,
    requests: Math.ceil(seconds * handshakesPerSecond),
  };
  await observe('handshake floor, warm-up', { ...job, seconds: 0.5, requests: 500 }, pid);
  const { cpu, failure } = await observe('handshake floor', job, pid);
  if (cpu === undefined || failure !== undefined)
    throw new Error(`the bare TLS server could not be measured: ${failure}`);
  return cpu.eventLoop + cpu.others;
}
