/** Publishes CRLs (RFC 5280 5): one for each partition of each CA generation, roots included. */
import { randomUUID } from 'node:crypto';
import type { CrlRecord } from '../store/crl-repository.js';
import type { SigningGeneration } from './generations.js';
import { type CrlPublisherOptions, type CrlTiming, isCode, publishNext, timingOf } from './next-crl.js';

export interface CrlPublisher {
  /**
   * Publishes a new CRL with every revocation that was committed before the call; calls that wait together share one.
   * @throws GatewayError 'not-found' for an unknown generation; 'unavailable'
   */
  publish(generationId: string, partition: number): Promise<CrlRecord>;
  /**
   * Publishes those whose certificates were revoked, held or released since, unless another node does.
   * @throws the first failure, after trying all
   */
  publishChanged(): Promise<void>;
  /**
   * Publishes all that are missing or whose interval is over, unless another node does; returns when to call again.
   * @throws the first failure, after trying all
   */
  publishDue(): Promise<Date>;
}

export function createCrlPublisher(options: CrlPublisherOptions): CrlPublisher {
  const { store, generations, configs, clock } = options;
  const holder = randomUUID();
  const waiting = new Map<string, Promise<CrlRecord>>();
  const running = new Map<string, Promise<unknown>>();

  function publish(generationId: string, partition: number): Promise<CrlRecord> {
    const key = `${generationId}/${partition}`;
    const shared = waiting.get(key);
    if (shared !== undefined) return shared;
    const turn = (running.get(key) ?? Promise.resolve()).then(() => {
      // From here on the revocations are read: who calls now needs a CRL of its own.
      waiting.delete(key);
      return publishNext(generationId, partition, options);
    });
    waiting.set(key, turn);
    const settled = turn.then(ignore, ignore).then(() => {
      if (running.get(key) === settled) running.delete(key);
    });
    running.set(key, settled);
    return turn;
  }

  async function findDue(): Promise<{ readonly due: readonly CrlPlace[]; readonly next: number }> {
    const now = clock.now();
    const due: CrlPlace[] = [];
    let next = now.getTime() + longestPause;
    for (const generation of generations.all()) {
      // Under a CA that has ended nothing is valid any more. The CRL of one whose key is not here is signed where it is.
      if (generation.certificate.notAfter < now || !generation.online) continue;
      const timing = timingOf(generation, configs());
      for (const { partition, record } of await lastOfPartitions(generation, timing.partitions, store)) {
        const at = record === undefined ? 0 : dueAt(record, timing);
        if (at <= now.getTime()) due.push({ issuerId: generation.id, partition });
        next = Math.min(next, at);
      }
    }
    return { due, next };
  }

  /** Or not known yet. */
  function isOnline({ issuerId }: CrlPlace): boolean {
    return generations.find(issuerId)?.online !== false;
  }

  function publishAll(places: readonly CrlPlace[]): Promise<readonly CrlRecord[]> {
    return inTurn(places, ({ issuerId, partition }) => publish(issuerId, partition));
  }

  /** Undefined if another node has the lease. */
  async function underLease<T>(work: () => Promise<T>): Promise<T | undefined> {
    const now = clock.now().getTime();
    const lease = { name: 'crl', holder, until: now + leaseMilliseconds, now };
    try {
      await store.commit({ statements: [store.leases.take(lease)], audit: [] });
    } catch (error) {
      if (isCode(error, 'invalid-state')) return undefined;
      throw error;
    }
    try {
      return await work();
    } finally {
      await store.commit({ statements: [store.leases.release(lease)], audit: [] });
    }
  }

  return {
    publish,

    async publishChanged() {
      const changed = await store.crls.changed({});
      if (!changed.some(isOnline)) return;
      await underLease(async () => {
        // The CA may be another process's, made since this one looked.
        if (changed.some(({ issuerId }) => generations.find(issuerId) === undefined)) await generations.reload();
        await publishAll(changed.filter(({ issuerId }) => generations.find(issuerId)?.online));
      });
    },

    async publishDue() {
      const { due, next } = await findDue();
      if (due.length === 0) return new Date(next);
      const published = await underLease(async () => publishAll((await findDue()).due));
      return new Date(published === undefined ? clock.now().getTime() + leaseMilliseconds : (await findDue()).next);
    },
  };
}

/** How long a node that died may keep the others from publishing. */
const leaseMilliseconds = 120_000;
// New CAs and a changed interval are noticed at least this often.
const longestPause = 3_600_000;

function dueAt(record: CrlRecord, { interval }: CrlTiming): number {
  return Math.min(record.thisUpdate + interval * 1000, record.nextUpdate);
}

/** One CRL among those of all CAs. */
interface CrlPlace {
  readonly issuerId: string;
  readonly partition: number;
}

interface LastOfPartition {
  readonly partition: number;
  readonly record: CrlRecord | undefined;
}

/** Those configured now, and those above that have CRLs: certificates of a time with more partitions point to them. */
async function lastOfPartitions(
  generation: SigningGeneration,
  partitions: number,
  store: CrlPublisherOptions['store'],
): Promise<readonly LastOfPartition[]> {
  const all: LastOfPartition[] = [];
  for (let partition = 0; ; partition++) {
    const record = await store.crls.find({ issuerId: generation.id, partition });
    if (partition >= partitions && record === undefined) return all;
    all.push({ partition, record });
  }
}

/** One after the other, for publishing is not urgent. One that fails must not let the others' CRLs run out. */
async function inTurn<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  for (const item of items) {
    await work(item).then(
      (result) => results.push(result),
      (failure) => failures.push(failure),
    );
  }
  if (failures.length > 0) throw failures[0];
  return results;
}

function ignore(): void {}
