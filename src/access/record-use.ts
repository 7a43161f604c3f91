/** When users and API keys were last seen: to the minute, and never at the cost of the request that shows them. */
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';

interface Use {
  /** Of a user or API key. */
  readonly id: string;
  /** Epoch milliseconds; null for never. */
  readonly lastAt: number | null;
}

const minuteMilliseconds = 60_000;
/** Those whose time is being written. */
const underWay = new Set<string>();

/** Writes it beside the request, once a minute at most. */
export function recordUse(
  { id, lastAt }: Use,
  statement: (values: { id: string; at: number }) => Statement,
  { store, clock, log }: { readonly store: Pick<Store, 'commit'>; readonly clock: Clock; readonly log: Log },
): void {
  const at = clock.now().getTime();
  if (underWay.has(id) || (lastAt !== null && at - lastAt < minuteMilliseconds)) return;
  underWay.add(id);
  store
    .commit({ statements: [statement({ id, at })], audit: [] })
    .catch((err) => log.warn({ err, id }, 'the last use of a user or API key could not be recorded'))
    .finally(() => underWay.delete(id));
}
