/** The list of a CRL, encoded: made from all revocations in parts, or carried on from the list before it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RevocationRecord } from '../store/revocation-repository.js';
import type { Store } from '../store/store.js';
import { eachEntry, encodeRevokedCertificate, encodeSerialNumber, revocationReasonOf } from '../x509/crl.js';

export interface EntryList {
  /** DER, one after the other. */
  readonly entries: Uint8Array;
  readonly count: number;
}

/** One CRL among those of all CAs. */
export interface CrlPlace {
  /** A generation. */
  readonly issuerId: string;
  readonly partition: number;
}

type RevocationStore = Pick<Store, 'revocations'>;

export const emptyList: EntryList = { entries: new Uint8Array(), count: 0 };

interface FullListLimits {
  /** The last change that is looked at. */
  readonly upTo: number;
  /** Epoch milliseconds: certificates that ended before are left out. */
  readonly notExpiredBefore: number;
}

/**
 * All that is revoked or held. What changes while it is read may be missing in it: the changes after `upTo` must be applied to it.
 */
export async function listAll(
  place: CrlPlace,
  { upTo, notExpiredBefore }: FullListLimits,
  store: RevocationStore,
): Promise<EntryList> {
  const parts: Uint8Array[] = [];
  let count = 0;
  for await (const rows of pages(place, 0, upTo, store)) {
    const listed = rows.filter(({ removed, notAfter }) => removed === 0 && notAfter >= notExpiredBefore);
    parts.push(Buffer.concat(listed.map(encodeRow)));
    count += listed.length;
  }
  return { entries: Buffer.concat(parts), count };
}

/** What has changed after a change, the last state of each certificate. */
export async function readChanges(
  place: CrlPlace,
  after: number,
  store: RevocationStore,
): Promise<readonly RevocationRecord[]> {
  const bySerial = new Map<string, RevocationRecord>();
  for await (const rows of pages(place, after, Number.MAX_SAFE_INTEGER, store)) {
    for (const row of rows) bySerial.set(row.serialNumber, row);
  }
  return [...bySerial.values()];
}

/**
 * The list after these changes. A hold that has ended is gone from a full list; a delta says so (RFC 5280 5.2.4), whether its base
 * has it or not: another CRL in between may.
 */
export async function applyChanges(
  list: EntryList,
  changes: readonly RevocationRecord[],
  kind: 'full' | 'delta',
): Promise<EntryList> {
  if (changes.length === 0) return list;
  const kept = await without(list, new Set(changes.map(({ serialNumber }) => serialNumber)));
  const parts: Uint8Array[] = [kept.entries];
  let { count } = kept;
  for (const [index, row] of changes.entries()) {
    if (index % atOnce === atOnce - 1) await nextTurn();
    if (row.removed === 1 && kind === 'full') continue;
    parts.push(encodeRow(row));
    count++;
  }
  return { entries: Buffer.concat(parts), count };
}

/** So many rows or entries before other work has its turn: about a millisecond. */
const atOnce = 500;
/** Up to so many are looked for one by one. */
const fewSerials = 16;
const removeFromCrl = 8;

async function* pages(
  { issuerId, partition }: CrlPlace,
  from: number,
  upTo: number,
  { revocations }: RevocationStore,
): AsyncGenerator<readonly RevocationRecord[]> {
  let after = from;
  for (;;) {
    const rows = await revocations.changes({ issuerId, partition, after, upTo, limit: atOnce });
    if (rows.length > 0) yield rows;
    if (rows.length < atOnce) return;
    after = rows.at(-1)?.change ?? upTo;
    await nextTurn();
  }
}

/** The list without some certificates. Most changes are revocations of what is not in it, which a search finds out at once. */
async function without(list: EntryList, serials: ReadonlySet<string>): Promise<EntryList> {
  const buffer = Buffer.from(list.entries.buffer, list.entries.byteOffset, list.entries.length);
  const mayHave = (serialNumber: string) => buffer.includes(Buffer.from(encodeSerialNumber(serialNumber)));
  if (serials.size <= fewSerials && ![...serials].some(mayHave)) return list;
  const kept: Uint8Array[] = [];
  let seen = 0;
  for (const { serialNumber, der } of eachEntry(list.entries)) {
    if (++seen % atOnce === 0) await nextTurn();
    if (!serials.has(serialNumber)) kept.push(der);
  }
  return { entries: Buffer.concat(kept), count: kept.length };
}

function encodeRow({ serialNumber, revokedAt, reason: code, invalidityDate, removed }: RevocationRecord): Uint8Array {
  const reason = revocationReasonOf(removed === 1 ? removeFromCrl : code);
  return encodeRevokedCertificate({
    serialNumber,
    revokedAt: new Date(revokedAt),
    ...(reason !== undefined && { reason }),
    ...(invalidityDate !== null && { invalidityDate: new Date(invalidityDate) }),
  });
}
