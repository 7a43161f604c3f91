/** Makes the next CRL of a partition, and its delta, and puts them in the place of the last ones. */
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { AuditRecord } from '../store/change.js';
import type { CrlHeader, CrlRecord, DeltaRecord } from '../store/crl-record.js';
import type { RevocationRecord } from '../store/revocation-repository.js';
import type { Store } from '../store/store.js';
import { readEntries } from '../x509/crl.js';
import { applyChanges, type CrlPlace, emptyList, listAll, readChanges } from './crl-entries.js';
import { crlScope } from './crl-scope.js';
import { timingOf } from './crl-timing.js';
import type { Generations, SigningGeneration } from './generations.js';
import { locationsOf } from './locations.js';
import { signCertificateList } from './sign-certificate-list.js';
import { type SignatureForm, signatureFormOf } from './signing-issuer.js';

/** What the audit log says of a new CRL; `subject` is the generation's id. */
interface CrlPublishedEvent {
  readonly at: Date;
  readonly action: 'crl.published';
  readonly outcome: 'success';
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface CrlPublisherOptions {
  readonly store: Pick<Store, 'commit' | 'revocations' | 'crls' | 'crlPartitions' | 'leases'>;
  readonly generations: Generations;
  readonly configs: () => ReadonlyMap<string, CertificateAuthorityConfig>;
  readonly clock: Clock;
  readonly createAuditRecord: (event: CrlPublishedEvent) => AuditRecord;
}

/**
 * Publishes a CRL with all revocations that were committed before, also when other processes do so at the same time; and a delta
 * that says the same, under the same number (RFC 5280 5.2.3), where there are deltas.
 * @throws GatewayError 'not-found' for an unknown generation; 'unavailable'
 */
export function publishNext(place: CrlPlace, options: CrlPublisherOptions): Promise<CrlRecord> {
  return afterTheLast(place, options, (next) => publishFull(next, options));
}

/**
 * Publishes a delta alone, when nothing has changed for a while; nothing, if there is no base for it.
 * @throws GatewayError as publishNext does
 */
export function publishDelta(place: CrlPlace, options: CrlPublisherOptions): Promise<void> {
  return afterTheLast(place, options, async (next) => {
    const { store } = options;
    const base = baseOf(await store.crls.findHeader(place));
    const { delta: timing } = timingOf(next.generation, options.configs());
    if (base === undefined || timing === undefined) return;
    const last = await lastDelta(place, base, store);
    const changes = await readChanges(place, last?.revision ?? base.revision, store);
    const record = await makeDelta(next, { base, last, changes, validity: timing.validity });
    const statements = [store.crls.takeNumber({ ...place, before: next.before }), store.crls.putDelta(record)];
    await store.commit({ statements, audit: changes.length === 0 ? [] : [deltaEvent(record, next, options)] });
  });
}

export function isCode(error: unknown, code: GatewayError['code']): boolean {
  return error instanceof GatewayError && error.code === code;
}

const maximumAttempts = 8;

/** What the next CRL of a place begins with. */
interface NextCrl {
  readonly place: CrlPlace;
  readonly generation: SigningGeneration;
  readonly form: SignatureForm;
  /** The number of the last CRL or delta; 0 if there is none. */
  readonly before: number;
  /** All changes up to this one are in it. */
  readonly revision: number;
  readonly at: Date;
  /** Epoch milliseconds, whole seconds. */
  readonly thisUpdate: number;
}

/** The last regular CRL, which deltas are made against. */
interface Base {
  readonly number: number;
  readonly at: number;
  readonly revision: number;
  readonly scope: string | null;
}

async function afterTheLast<T>(
  place: CrlPlace,
  { store, generations, configs, clock }: CrlPublisherOptions,
  publish: (next: NextCrl) => Promise<T>,
): Promise<T> {
  const generation = generations.find(place.issuerId);
  if (generation === undefined) throw new GatewayError('not-found', 'there is no such certification authority');
  const form = signatureFormOf(generation, configs());
  for (let attempt = 1; ; attempt++) {
    const { revision, number: before } = await store.crls.state(place);
    const at = clock.now();
    const thisUpdate = Math.floor(at.getTime() / 1000) * 1000;
    try {
      return await publish({ place, generation, form, before, revision, at, thisUpdate });
    } catch (error) {
      const isOvertaken = isCode(error, 'unavailable') && (await store.crls.state(place)).number !== before;
      if (!isOvertaken || attempt === maximumAttempts) throw error;
    }
  }
}

async function publishFull(next: NextCrl, options: CrlPublisherOptions): Promise<CrlRecord> {
  const { place, generation, form, before, revision, at, thisUpdate } = next;
  const { store, configs, createAuditRecord } = options;
  const timing = timingOf(generation, configs());
  const last = await store.crls.find(place);
  const base = baseOf(last);
  const scope = await crlScope(generation, place.partition, timing, options);
  const isRegular =
    last === undefined ||
    base === undefined ||
    thisUpdate >= base.at + timing.interval * 1000 ||
    // RFC 5280 5.2.4: a delta has the scope of its base.
    scope !== base.scope;
  const delta = base && timing.delta && (await lastDelta(place, base, store));
  const since = isRegular ? revision : last.revision;
  // RFC 5280 3.3: an entry stays until it was on a regular CRL after the certificate's end.
  const notExpiredBefore = base?.at ?? (last?.thisUpdate ?? 0) - timing.interval * 1000;
  const listed = isRegular
    ? await listAll(place, { upTo: revision, notExpiredBefore }, store)
    : { entries: readEntries(last.der), count: last.entries };
  const deltaSince = delta?.revision ?? base?.revision;
  const changes = await readChanges(place, timing.delta ? Math.min(since, deltaSince ?? since) : since, store);
  const { entries, count } = await applyChanges(listed, after(since, changes), 'full');
  const number = before + 1;
  const nextUpdate = thisUpdate + timing.validity * 1000;
  const signed = await signCertificateList(generation, {
    ...form,
    number,
    thisUpdate: new Date(thisUpdate),
    nextUpdate: new Date(nextUpdate),
    entries,
    scope: urlsOf(scope),
    ...(timing.delta && {
      freshest: locationsOf(generation, configs().get(generation.ca)).deltaCrlUrls(place.partition),
    }),
  });
  const ownBase = isRegular || base === undefined ? { number, at: thisUpdate, revision, scope } : base;
  const record: CrlRecord = {
    ...place,
    ...{ number, thisUpdate, nextUpdate, revision, scope, entries: count, ...signed },
    ...{ baseNumber: ownBase.number, baseAt: ownBase.at, baseRevision: ownBase.revision, baseScope: ownBase.scope },
  };
  const details = { kind: 'full', partition: place.partition, number, entries: count };
  const event = createAuditRecord({ at, action: 'crl.published', outcome: 'success', subject: generation.id, details });
  const statements = [store.crls.takeNumber({ ...place, before }), store.crls.put(record)];
  const audit = [event];
  if (base && timing.delta) {
    const changed = after(deltaSince ?? 0, changes);
    const { validity } = timing.delta;
    const published = await makeDelta(next, { base, last: delta, changes: changed, validity });
    statements.push(store.crls.putDelta(published));
    if (changed.length > 0) audit.push(deltaEvent(published, next, options));
  } else if (!timing.delta) {
    statements.push(store.crls.removeDelta(place));
  }
  statements.push(store.crls.settle({ ...place, revision }));
  if (isRegular) {
    const spent = { ...place, change: revision, before: thisUpdate, limit: spentAtOnce };
    statements.push(store.revocations.removeSpent(spent));
  }
  await store.commit({ statements, audit });
  return record;
}

/** Those that are left over go with the next regular CRL: what waits for the database does not wait for long. */
const spentAtOnce = 5000;

interface DeltaContent {
  readonly base: Base;
  /** The delta before, if it has the same base. */
  readonly last: DeltaRecord | undefined;
  /** All since the delta before, or since the base. */
  readonly changes: readonly RevocationRecord[];
  /** Seconds. */
  readonly validity: number;
}

async function makeDelta(next: NextCrl, { base, last, changes, validity }: DeltaContent): Promise<DeltaRecord> {
  const { place, generation, form, before, revision, thisUpdate } = next;
  const known = last === undefined ? emptyList : { entries: readEntries(last.der), count: last.entries };
  const { entries, count } = await applyChanges(known, changes, 'delta');
  const nextUpdate = thisUpdate + validity * 1000;
  const number = before + 1;
  const signed = await signCertificateList(generation, {
    ...form,
    number,
    baseNumber: base.number,
    thisUpdate: new Date(thisUpdate),
    nextUpdate: new Date(nextUpdate),
    entries,
    scope: urlsOf(base.scope),
  });
  return {
    ...place,
    ...{ number, baseNumber: base.number, thisUpdate, nextUpdate, revision, entries: count, ...signed },
  };
}

function deltaEvent(
  { partition, number, baseNumber, entries }: DeltaRecord,
  { at, generation }: NextCrl,
  { createAuditRecord }: CrlPublisherOptions,
): AuditRecord {
  const details = { kind: 'delta', partition, number, baseNumber, entries };
  return createAuditRecord({ at, action: 'crl.published', outcome: 'success', subject: generation.id, details });
}

function baseOf(last: CrlHeader | undefined): Base | undefined {
  if (last === undefined) return undefined;
  const { baseNumber: number, baseAt: at, baseRevision: revision, baseScope: scope } = last;
  return number === null || at === null || revision === null ? undefined : { number, at, revision, scope };
}

async function lastDelta(
  place: CrlPlace,
  { number }: Base,
  { crls }: CrlPublisherOptions['store'],
): Promise<DeltaRecord | undefined> {
  const last = await crls.findDelta(place);
  return last?.baseNumber === number ? last : undefined;
}

function after(change: number, changes: readonly RevocationRecord[]): readonly RevocationRecord[] {
  return changes.filter((row) => row.change > change);
}

function urlsOf(scope: string | null): readonly string[] {
  return scope === null ? [] : scope.split(' ');
}
