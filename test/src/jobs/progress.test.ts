import { describe, expect, it } from '@jest/globals';
import { addSample, progressOf } from '../../../src/jobs/progress.js';
import type { JobOverview } from '../../../src/store/job-record.js';

const start = Date.UTC(2026, 10, 1);

function job(changes: Partial<JobOverview>): JobOverview {
  return { state: 'running', total: 1000, done: 0, failed: 0, samples: '[]', ...changes } as JobOverview;
}

describe('the progress of a job', () => {
  it('has the rate of the last minute, and the end that it leads to', () => {
    const samples = addSample(addSample('[]', 0, start), 250, start + 10_000);
    expect(progressOf(job({ samples, done: 490, failed: 10 }), new Date(start + 20_000))).toEqual({
      total: 1000,
      done: 490,
      failed: 10,
      rate: 25,
      estimatedEnd: new Date(start + 40_000).toISOString(),
    });
  });

  it('forgets what is longer ago', () => {
    const samples = addSample(addSample('[]', 0, start), 600, start + 50_000);
    expect(progressOf(job({ samples, done: 700 }), new Date(start + 100_000))).toMatchObject({ rate: 2 });
    expect(JSON.parse(addSample(samples, 650, start + 100_000))).toEqual([
      [start + 50_000, 600],
      [start + 100_000, 650],
    ]);
  });

  it('has no end where nothing moves, and no rate where it does not run', () => {
    const samples = addSample('[]', 5, start);
    expect(progressOf(job({ samples, done: 5 }), new Date(start + 1000))).toEqual({
      total: 1000,
      done: 5,
      failed: 0,
      rate: 0,
    });
    expect(progressOf(job({ samples, done: 9, state: 'paused' }), new Date(start + 1000))).toEqual({
      total: 1000,
      done: 9,
      failed: 0,
    });
  });

  it('keeps few samples', () => {
    let samples = '[]';
    for (let at = start; at < start + 600_000; at += 1000) samples = addSample(samples, 1, at);
    expect(JSON.parse(samples)).toHaveLength(25);
  });
});
