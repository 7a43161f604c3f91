/** Limits how often a remote network may fail to authenticate with secrets. */
import { GatewayError } from '../errors.js';
import type { MinuteCounter } from '../minute-counter.js';
import { remoteNetwork } from '../x509/remote-network.js';

export interface FailureLimit {
  /** Failures with a secret, by remote network. */
  readonly failures: MinuteCounter;
  readonly failuresPerMinute: number;
}

interface Attempt {
  readonly remoteAddress: string;
  /** As how many failures one counts: a sender that makes the gateway work hard gets fewer of them. */
  readonly worth: number;
}

/** @throws GatewayError `rate-limited` when the network has failed too often, else as `work` does */
export async function countingFailures<Result>(
  { remoteAddress, worth }: Attempt,
  { failures, failuresPerMinute }: FailureLimit,
  work: () => Promise<Result>,
): Promise<Result> {
  const network = remoteNetwork(remoteAddress);
  if (failures.count(network) >= failuresPerMinute) {
    throw new GatewayError('rate-limited', 'too many failed authentications from this address; wait and try again', {
      retryAfterSeconds: failures.secondsLeft(network),
    });
  }
  // Beforehand: those that come at the same time must not all be verified first.
  const advance = worth - 1;
  if (advance > 0) failures.add(network, advance);
  try {
    const result = await work();
    failures.remove(network, advance);
    return result;
  } catch (error) {
    // A database in trouble is nobody's failure.
    const isFailure = error instanceof GatewayError && error.code !== 'unavailable' && error.code !== 'internal';
    if (isFailure) failures.add(network);
    else failures.remove(network, advance);
    throw error;
  }
}
