/** Key stores that are away: not asked again for a while, and reported once. */
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';

/** What is told of key stores, for the log and the audit log. Neither may throw. */
export interface KeyStoreObserver {
  /** Once for each outage. `reason` is for the operator. */
  lost(store: string, reason: string): void;
  recovered(store: string): void;
  /** A key was asked for and not made; once for each purpose and reason. */
  refused(store: string, purpose: string, reason: string): void;
}

/** The key store cannot be used at the moment; `message` is for the operator. */
export class KeyStoreAwayError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyStoreAwayError';
  }
}

export interface Outage {
  /**
   * Does `work` unless the store was away a moment ago. A KeyStoreAwayError of it begins an outage, what else comes of it ends
   * one. @throws GatewayError 'unavailable' with the reason as its cause; what `work` throws
   */
  guard<T>(work: () => Promise<T>): Promise<T>;
  /** Whether the last attempt found it away, and why. */
  reason(): string | undefined;
}

export function createOutage(store: string, clock: Clock, observer: KeyStoreObserver): Outage {
  let away: { readonly reason: string; readonly until: number; readonly milliseconds: number } | undefined;

  function begin(reason: string): GatewayError {
    const now = clock.now().getTime();
    // Of several that asked at once, the first has begun it.
    if (away !== undefined && away.until > now) return unavailable(store, away.reason, away.until - now);
    const milliseconds = Math.min(longestMilliseconds, away === undefined ? firstMilliseconds : away.milliseconds * 2);
    const isNews = away === undefined;
    away = { reason, until: now + milliseconds, milliseconds };
    if (isNews) observer.lost(store, reason);
    return unavailable(store, reason, milliseconds);
  }

  return {
    async guard(work) {
      const wait = away === undefined ? 0 : away.until - clock.now().getTime();
      // A clock that was set back must not keep a store away for longer.
      if (away !== undefined && wait > 0 && wait <= longestMilliseconds) throw unavailable(store, away.reason, wait);
      try {
        const result = await work();
        if (away !== undefined) observer.recovered(store);
        away = undefined;
        return result;
      } catch (error) {
        throw error instanceof KeyStoreAwayError ? begin(error.message) : error;
      }
    },
    reason: () => away?.reason,
  };
}

const firstMilliseconds = 1_000;
const longestMilliseconds = 30_000;

function unavailable(store: string, reason: string, milliseconds: number): GatewayError {
  return new GatewayError('unavailable', 'the key of the CA cannot be reached at the moment; try again later', {
    cause: new Error(`the key store ${store} cannot be used: ${reason}`),
    retryAfterSeconds: Math.ceil(milliseconds / 1000),
  });
}
