/** Publishes CRLs (RFC 5280 5): those of each partition of each CA generation, roots included. */
import { randomUUID } from 'node:crypto';
import type { CrlRecord } from '../store/crl-record.js';
import { underLease } from '../store/under-lease.js';
import { type DueCrls, findDue } from './crl-due.js';
import type { CrlPlace } from './crl-entries.js';
import { timingOf } from './crl-timing.js';
import { type CrlPublisherOptions, publishDelta, publishNext } from './next-crl.js';

export interface CrlPublisher {
  /**
   * Publishes a new CRL with every revocation that was committed before the call; calls that wait together share one.
   * @throws GatewayError 'not-found' for an unknown generation; 'unavailable'
   */
  publish(generationId: string, partition: number): Promise<CrlRecord>;
  /**
   * Publishes those whose certificates were revoked, held or released since, when half of `crl.publishWithin` is over, unless
   * another node does. To be called every second.
   * @throws the first failure, after trying all
   */
  publishChanged(): Promise<void>;
  /**
   * Publishes all that are missing or whose interval is over, and the deltas likewise, unless another node does; returns when to
   * call again.
   * @throws the first failure, after trying all
   */
  publishDue(): Promise<Date>;
}

export function createCrlPublisher(options: CrlPublisherOptions): CrlPublisher {
  const { store, generations, configs, clock } = options;
  const holder = randomUUID();
  const waiting = new Map<string, Promise<CrlRecord>>();
  const running = new Map<string, Promise<unknown>>();

  function publish(issuerId: string, partition: number): Promise<CrlRecord> {
    const key = `${issuerId}/${partition}`;
    const shared = waiting.get(key);
    if (shared !== undefined) return shared;
    const turn = (running.get(key) ?? Promise.resolve()).then(() => {
      // From here on the revocations are read: who calls now needs a CRL of its own.
      waiting.delete(key);
      return publishNext({ issuerId, partition }, options);
    });
    waiting.set(key, turn);
    const settled = turn.then(ignore, ignore).then(() => {
      if (running.get(key) === settled) running.delete(key);
    });
    running.set(key, settled);
    return turn;
  }

  const leaseOf = (generation: string) => ({
    name: `crl ${generation}`,
    holder,
    milliseconds: leaseMilliseconds,
  });

  /** Each generation under a lease of its own: a slow key keeps nobody else's CRLs waiting. */
  function publishDueOf({ full, delta }: DueCrls): Promise<readonly boolean[]> {
    const generationIds = new Set([...full, ...delta].map(({ issuerId }) => issuerId));
    return withAll([...generationIds], (id) =>
      underLease(leaseOf(id), options, async () => {
        // Asked again: the node that had the lease before may have done it.
        const again = (await findDue(options)).due;
        await inTurn(ofGeneration(id, again.full), (place) => publish(place.issuerId, place.partition));
        await inTurn(ofGeneration(id, again.delta), (place) => publishDelta(place, options));
      }),
    );
  }

  return {
    publish,

    async publishChanged() {
      const changed = await store.crls.changed({});
      // The CA may be another process's, made since this one looked, or that may have written down other URLs for it.
      if (changed.length > 0) await generations.refresh();
      const now = clock.now().getTime();
      const due = changed.filter(({ issuerId, changedAt }) => {
        const generation = generations.find(issuerId);
        // The CRL of one whose key is not here is signed where it is.
        if (generation === undefined || !generation.online) return false;
        // The first half is for others to come along, the second to make it.
        return (changedAt ?? 0) + timingOf(generation, configs()).publishWithin * 500 <= now;
      });
      await withAll([...new Set(due.map(({ issuerId }) => issuerId))], (id) =>
        underLease(leaseOf(id), options, () =>
          inTurn(ofGeneration(id, due), (place) => publish(place.issuerId, place.partition)),
        ),
      );
    },

    async publishDue() {
      const found = await findDue(options);
      if (isEmpty(found.due)) return found.next;
      const first = await publishDueOf(found.due);
      // A CRL that is the first of its place has a delta from then on.
      const { due } = await findDue(options);
      const second = isEmpty(due) ? [] : await publishDueOf(due);
      const isOthers = [...first, ...second].includes(false);
      return isOthers ? new Date(clock.now().getTime() + leaseMilliseconds) : (await findDue(options)).next;
    },
  };
}

const leaseMilliseconds = 120_000;

function isEmpty({ full, delta }: DueCrls): boolean {
  return full.length === 0 && delta.length === 0;
}

function ofGeneration(id: string, places: readonly CrlPlace[]): readonly CrlPlace[] {
  return places.filter(({ issuerId }) => issuerId === id);
}

/** One after the other. One that fails must not let the others' CRLs run out. */
async function inTurn<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) {
    await work(item).catch((failure) => failures.push(failure));
  }
  if (failures.length > 0) throw failures[0];
}

/** All at once; throws the first failure when all are done. */
async function withAll<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const settled = await Promise.allSettled(items.map(work));
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function ignore(): void {}
