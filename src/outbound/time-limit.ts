/** One limit for all that an outbound request has to do. */
import { OutboundError } from './outbound-error.js';

/**
 * Ends `work` by its signal when the time is over.
 * @param host with its port, for the error
 * @throws OutboundError `timeout`
 */
export async function withinTime<T>(
  milliseconds: number,
  host: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeLimit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new OutboundError('timeout', `${host} gave no whole answer within ${milliseconds / 1000} s`));
      abort.abort();
    }, milliseconds);
  });
  try {
    return await Promise.race([work(abort.signal), timeLimit]);
  } finally {
    clearTimeout(timer);
  }
}
