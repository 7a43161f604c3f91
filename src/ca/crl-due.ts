/** Which CRLs and deltas are missing, or are to be renewed by now. */
import type { CrlHeader } from '../store/crl-record.js';
import type { CrlPlace } from './crl-entries.js';
import { type CrlTiming, timingOf } from './crl-timing.js';
import type { CrlPublisherOptions } from './next-crl.js';

export interface DueCrls {
  readonly full: readonly CrlPlace[];
  readonly delta: readonly CrlPlace[];
}

/** Those that are due now, and when to look again. */
export async function findDue({
  store,
  generations,
  configs,
  clock,
}: CrlPublisherOptions): Promise<{ readonly due: DueCrls; readonly next: Date }> {
  const headers = byPlace(await store.crls.headers({}));
  const deltas = byPlace(await store.crls.deltaHeaders({}));
  const opened = await store.crlPartitions.all({});
  const now = clock.now().getTime();
  const full: CrlPlace[] = [];
  const delta: CrlPlace[] = [];
  let next = now + longestPause;
  for (const generation of generations.all()) {
    // Under a CA that has ended nothing is valid any more. The CRL of one whose key is not here is signed where it is.
    if (generation.certificate.notAfter.getTime() < now || !generation.online) continue;
    const { id: issuerId } = generation;
    const timing = timingOf(generation, configs());
    for (const partition of partitionsOf(issuerId, [...headers.values(), ...opened])) {
      const place = { issuerId, partition };
      const header = headers.get(keyOf(place));
      const at = dueAt(header, timing);
      const deltaAt = timing.delta && header && deltaDueAt(deltas.get(keyOf(place)), timing.delta);
      if (at <= now) full.push(place);
      else if (deltaAt !== undefined && deltaAt <= now) delta.push(place);
      next = Math.min(next, at, deltaAt ?? at);
    }
  }
  return { due: { full, delta }, next: new Date(next) };
}

/** The partitions of a generation among the places of all: the first is always there. */
export function partitionsOf(generation: string, places: readonly CrlPlace[]): readonly number[] {
  const own = places.filter(({ issuerId }) => issuerId === generation);
  return [...new Set([0, ...own.map(({ partition }) => partition)])];
}

// New CAs and a changed interval are noticed at least this often.
const longestPause = 3_600_000;

/** By the last regular one: those that revocations bring about come in between. */
function dueAt(header: CrlHeader | undefined, { interval }: CrlTiming): number {
  if (header === undefined || header.baseAt === null) return 0;
  return Math.min(header.baseAt + interval * 1000, header.nextUpdate);
}

function deltaDueAt(
  last: Pick<CrlHeader, 'thisUpdate' | 'nextUpdate'> | undefined,
  { interval }: NonNullable<CrlTiming['delta']>,
): number {
  return last === undefined ? 0 : Math.min(last.thisUpdate + interval * 1000, last.nextUpdate);
}

function byPlace<Item extends CrlPlace>(items: readonly Item[]): ReadonlyMap<string, Item> {
  return new Map(items.map((item) => [keyOf(item), item]));
}

function keyOf({ issuerId, partition }: CrlPlace): string {
  return `${issuerId}/${partition}`;
}
