/** What a revocation costs with the CRL that it is on: by the enrollment flow's own function, over a database with many. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { revokeCertificate } from '../../src/enrollment/revoke.js';
import { openStore } from '../../src/store/sqlite-store.js';
import type { Store } from '../../src/store/store.js';
import { createWorld, day, rootAndIssuing, start, type TestNode } from '../src/ca/test-hierarchy.js';
import { certificate } from '../src/store/temporary-store.js';
import { cpuTimeOf } from '../support/cpu-time.js';
import { operator } from '../support/operator.js';

interface CrlBench {
  /** How many are revoked already. */
  readonly before: number;
  readonly maximumCertificates: number;
  readonly revocations: number;
  readonly hasDelta: boolean;
  readonly directory: string;
}

interface CrlBenchResult {
  readonly before: number;
  readonly partitions: number;
  /** Of the CRL that the revocations are on. */
  readonly entries: number;
  readonly octets: number;
  /** CPU of a revocation and its publication, milliseconds. */
  readonly each: number;
  /** The same where ten are on a CRL together, as they are when they come within `publishWithin`. */
  readonly ofTen: number;
  /** CPU of the regular CRL, made from all revocations, milliseconds. */
  readonly regular: number;
  /** The longest turn of the event loop, milliseconds. */
  readonly longestTurn: number;
}

export async function benchCrl(bench: CrlBench): Promise<CrlBenchResult> {
  const { before, maximumCertificates, revocations, hasDelta, directory } = bench;
  const store = await openStore({ file: join(directory, `${before}.db`) });
  try {
    const world = createWorld(rootAndIssuing);
    world.configureCrl('issuing', {
      maximumCertificates,
      ...(hasDelta && { delta: { interval: 600, validity: 3600 } }),
    });
    const node = world.node(store);
    await node.ensure();
    // The last partition is as full of revoked certificates as it can be with those that are to be revoked now.
    const partitions = Math.max(1, Math.ceil(before / maximumCertificates));
    for (let partition = 0; partition < partitions; partition++) {
      const count = Math.min(maximumCertificates, before - partition * maximumCertificates);
      await seedRevoked(store, partition, count);
    }
    const partition = partitions - 1;
    const serials = await seedValid(store, partition, 2 * revocations + warmUp);
    const regular = await cpuTimeOf(() => node.crls.publish('issuing-1', partition));
    const revoke = revoker(node, partition, world.clock);
    for (let i = 0; i < warmUp; i++) await revoke([serials.pop() ?? '']);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const each = await cpuTimeOf(async () => {
      for (let i = 0; i < revocations; i++) await revoke([serials.pop() ?? '']);
    });
    const ofTen = await cpuTimeOf(async () => {
      for (let i = 0; i < revocations; i += 10) await revoke(serials.splice(0, 10));
    });
    delay.disable();
    const crl = await store.crls.find({ issuerId: 'issuing-1', partition });
    return {
      before,
      partitions,
      entries: crl?.entries ?? 0,
      octets: crl?.der.length ?? 0,
      each: each / revocations,
      ofTen: ofTen / revocations,
      regular,
      longestTurn: delay.max / 1e6,
    };
  } finally {
    await store.close();
  }
}

export function describeCrlBench(results: readonly CrlBenchResult[]): string {
  const [first] = results;
  return results
    .flatMap((result) => {
      const { before, partitions, entries, octets, each, ofTen, regular, longestTurn } = result;
      const ratio = (value: number, of: number | undefined) =>
        result === first || of === undefined ? '' : ` (${(value / of).toFixed(2)} times that of ${first?.before})`;
      return [
        `${before} revoked before, on ${partitions} CRLs; the one at hand has ${entries} entries, ${(octets / 1000).toFixed(0)} kB`,
        `  a revocation with its CRL:  ${each.toFixed(2)} ms CPU${ratio(each, first?.each)}`,
        `  of ten that share their CRL: ${ofTen.toFixed(2)} ms CPU${ratio(ofTen, first?.ofTen)}`,
        `  the regular CRL from all revocations: ${regular.toFixed(1)} ms CPU; the longest turn of the event loop ${longestTurn.toFixed(1)} ms`,
      ];
    })
    .join('\n');
}

/** Until V8 has compiled what is hot. */
const warmUp = 100;
const atOnce = 1000;

function revoker({ store, crls }: TestNode, partition: number, clock: { now(): Date }) {
  const actor = operator('bench');
  return async (serials: readonly string[]) => {
    for (const serialNumber of serials) {
      await revokeCertificate({ issuerId: 'issuing-1', serialNumber, reason: 'superseded', actor }, { store, clock });
    }
    await crls.publish('issuing-1', partition);
  };
}

async function seedRevoked(store: Store, partition: number, count: number): Promise<void> {
  const place = { issuerId: 'issuing-1', partition };
  const opened = store.crlPartitions.take({ ...place, openedAt: start, issued: count, before: 0 });
  await store.commit({ statements: [opened], audit: [] });
  for (let done = 0; done < count; done += atOnce) {
    const statements = Array.from({ length: Math.min(atOnce, count - done) }, () => [
      store.crls.markChanged({ ...place, at: start }),
      store.revocations.record({
        ...place,
        ...{ serialNumber: newSerial(), revokedAt: start, reason: 4, invalidityDate: null },
        ...{ notAfter: start + 90 * day, removed: 0 },
      }),
    ]);
    await store.commit({ statements: statements.flat(), audit: [] });
  }
}

async function seedValid(store: Store, crlPartition: number, count: number): Promise<string[]> {
  const serials = Array.from({ length: count }, newSerial);
  const notAfter = start + 90 * day;
  for (let done = 0; done < count; done += atOnce) {
    const statements = serials
      .slice(done, done + atOnce)
      .map((serial) =>
        store.certificates.insert(certificate(serial, { issuerId: 'issuing-1', crlPartition, notAfter })),
      );
    await store.commit({ statements, audit: [] });
  }
  return serials;
}

function newSerial(): string {
  return `55${randomBytes(19).toString('hex')}`;
}
