/** How far a job is, how fast, and when it will be done. */
import type { JobOverview } from '../store/job-record.js';

export interface JobProgress {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** Rows per second of the last minute; absent for a job that does not run. */
  readonly rate?: number;
  /** RFC 3339; absent where there is no rate to tell it by. */
  readonly estimatedEnd?: string;
}

const windowMilliseconds = 60_000;
const mostSamples = 25;

/** What is kept to tell the rate by, with one more; a sample that is older than a minute goes. */
export function addSample(samples: string, ended: number, at: number): string {
  const kept = readSamples(samples).filter(([then]) => then >= at - windowMilliseconds && then <= at);
  return JSON.stringify([...kept.slice(1 - mostSamples), [at, ended]]);
}

export function progressOf({ state, total, done, failed, samples }: JobOverview, now: Date): JobProgress {
  const counts = { total, done, failed };
  const at = now.getTime();
  const oldest = readSamples(samples).find(([then]) => then >= at - windowMilliseconds);
  if (state !== 'running' || oldest === undefined || at <= oldest[0]) return counts;
  const rate = ((done + failed - oldest[1]) * 1000) / (at - oldest[0]);
  if (rate <= 0) return { ...counts, rate: 0 };
  const left = ((total - done - failed) * 1000) / rate;
  return { ...counts, rate: Math.round(rate * 10) / 10, estimatedEnd: new Date(at + left).toISOString() };
}

type Sample = readonly [at: number, ended: number];

function readSamples(samples: string): Sample[] {
  return JSON.parse(samples);
}
