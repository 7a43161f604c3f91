/** A clock that tests set. */
import type { Clock } from '../../src/clock.js';

export interface TestClock extends Clock {
  /** Seconds. */
  advance(seconds: number): void;
}

export const daySeconds = 86_400;

/** Starts at the present, or at a given time. */
export function createTestClock(start: Date = new Date()): TestClock {
  let at = start.getTime();
  return {
    now: () => new Date(at),
    advance: (seconds) => {
      at += seconds * 1000;
    },
  };
}
