/** Counts events by key within one minute, in the memory of this process: what rate limits are made of. */
import type { Clock } from './clock.js';

export interface MinuteCounter {
  /** Events of this key in its running minute. */
  count(key: string): number;
  add(key: string, events?: number): void;
  /** Takes events back, as far as the running minute has them. */
  remove(key: string, events: number): void;
  /** Whole seconds, at least 1, until the key's count begins anew. */
  secondsLeft(key: string): number;
}

interface Minute {
  count: number;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** Beyond this many keys the oldest is forgotten, so that a flood of addresses cannot fill the memory. */
const maximumKeys = 100_000;

export function createMinuteCounter(clock: Clock): MinuteCounter {
  const minutes = new Map<string, Minute>();

  function running(key: string): Minute | undefined {
    const minute = minutes.get(key);
    if (minute === undefined || minute.endsAt > clock.now().getTime()) return minute;
    minutes.delete(key);
    return undefined;
  }

  return {
    count: (key) => running(key)?.count ?? 0,
    add: (key, events = 1) => {
      const minute = running(key);
      if (minute) {
        minute.count += events;
        return;
      }
      const [oldest] = minutes.keys();
      if (minutes.size >= maximumKeys && oldest !== undefined) minutes.delete(oldest);
      minutes.set(key, { count: events, endsAt: clock.now().getTime() + 60_000 });
    },
    remove: (key, events) => {
      const minute = running(key);
      if (minute) minute.count = Math.max(0, minute.count - events);
    },
    secondsLeft: (key) => {
      const minute = running(key);
      return minute ? Math.max(1, Math.ceil((minute.endsAt - clock.now().getTime()) / 1000)) : 1;
    },
  };
}
