/** Runs phases of a bench: the generator sends, the server's CPU time is read before and after. */
import type { Floor } from './floor.js';
import type { Generator } from './generator-process.js';
import type { LoadJob, LoadResult } from './load-job.js';
import { type CpuTime, readProcessCpu, since } from './process-cpu.js';

export interface Measured extends LoadResult {
  /** Server CPU of one request, microseconds; absent for a server elsewhere. */
  readonly cpu?: CpuTime;
}

export interface Phase extends Measured {
  readonly name: string;
  /** CPU microseconds that one cannot cost less than. */
  readonly floor: number;
}

export type OnProgress = (phase: string, share: number, perSecond: number) => void;

/** Runs one job; `pid` is the server's, if it runs on this machine. */
export type Observe = (name: string, job: LoadJob, pid: number | undefined) => Promise<Measured>;

export function createObserver(generator: Generator, onProgress: OnProgress): Observe {
  return async (name, job, pid) => {
    let before: CpuTime | undefined;
    let began = 0;
    const readCpu = () => (pid === undefined ? undefined : readProcessCpu(pid));
    const onStart = () => {
      began = performance.now();
      before = readCpu();
    };
    const result = await generator.run(job, onStart, (done) => {
      const passed = (performance.now() - began) / 1000;
      onProgress(name, passed / job.seconds, done / passed);
    });
    const after = readCpu();
    if (before === undefined || after === undefined) return result;
    const { eventLoop, others } = since(before, after);
    return { ...result, cpu: { eventLoop: eventLoop / result.done, others: others / result.done } };
  };
}

type Size = Pick<LoadJob, 'clients' | 'seconds' | 'requests'>;

interface KeepAliveOptions {
  readonly jobOf: (size: Size) => LoadJob;
  readonly pid: number | undefined;
  readonly seconds: number;
  /** Numbers of clients, a phase for each. */
  readonly clients: readonly number[];
  /** Until V8 has compiled what is hot, or as much as a slow machine gets done. */
  readonly warmUp: Size;
  /** Measured before each phase. */
  readonly floor: Floor;
}

/** A warm-up, and a phase for each number of clients over connections that are kept. @throws Error when nothing is done */
export async function observeKeepAlive(
  observe: Observe,
  { jobOf, pid, seconds, clients, warmUp, floor }: KeepAliveOptions,
): Promise<(Measured & { readonly name: string })[]> {
  const warm = await observe('warm-up', jobOf(warmUp), undefined);
  if (warm.done === 0) throw new Error(`nothing was enrolled: ${warm.failure}`);
  // More than the warm-up's rate, for it was cold; a phase that runs out of requests ends early and is measured right.
  const requests = Math.ceil((warm.done / warm.seconds) * 1.6 * seconds);
  const measured: (Measured & { readonly name: string })[] = [];
  for (const count of clients) {
    floor.measure(floorMilliseconds);
    const name = `keep-alive, ${count} client${count === 1 ? '' : 's'}`;
    measured.push({ name, ...(await observe(name, jobOf({ clients: count, seconds, requests }), pid)) });
  }
  floor.measure(floorMilliseconds);
  return measured;
}

export const floorMilliseconds = 300;
