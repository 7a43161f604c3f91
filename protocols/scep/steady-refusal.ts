/** Refusals that take the same time, whatever was found out before them. */

import { setTimeout as wait } from 'node:timers/promises';

/**
 * Runs `read`; what it refuses is told a fixed time after the beginning. The keys of requests differ in what their
 * verification costs, from 50 µs (RSA) to 3 ms (P-521), so that the time until a refusal would tell whether a changed copy
 * of another's envelope could be parsed: see message-data.ts.
 */
export async function refusingSteadily<T>(read: () => Promise<T>): Promise<T> {
  const until = monotonicMilliseconds() + refusalMilliseconds;
  try {
    return await read();
  } catch (error) {
    await wait(Math.max(0, until - monotonicMilliseconds()));
    throw error;
  }
}

/** Longer than a private decryption and any verification takes. */
const refusalMilliseconds = 20;

/** In whole ticks of the clock that timers go by: rounded otherwise, the end would follow the work by fractions. */
function monotonicMilliseconds(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
