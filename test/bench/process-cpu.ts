/** What a process has cost so far: the CPU time, user and system, of all its threads, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

export interface CpuTime {
  /** Of the thread that runs the event loop, microseconds. */
  readonly eventLoop: number;
  /** Of all other threads: database writer, garbage collector, compiler, thread pool. Microseconds. */
  readonly others: number;
}

/** Undefined where there is no /proc, as for a server on another machine. Threads that have ended are not counted. */
export function readProcessCpu(pid: number): CpuTime | undefined {
  let eventLoop = 0;
  let others = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      // The first number is the time on a CPU in nanoseconds; /proc/<pid>/stat only counts hundredths of a second.
      const nanoseconds = Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
      if (Number(thread) === pid) eventLoop += nanoseconds / 1000;
      else others += nanoseconds / 1000;
    }
  } catch {
    return undefined;
  }
  return { eventLoop, others };
}

export function since(before: CpuTime, after: CpuTime): CpuTime {
  return { eventLoop: after.eventLoop - before.eventLoop, others: after.others - before.others };
}
