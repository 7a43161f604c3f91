/** The CRLs of CAs as they are published, and new ones at once. */
import type { Actor } from '../audit/actor.js';
import type { SigningGeneration } from '../ca/generations.js';
import { type Locations, locationsOf } from '../ca/locations.js';
import { GatewayError } from '../errors.js';
import type { CrlHeader } from '../store/crl-record.js';
import { recordingRefusals } from './recording-refusals.js';
import { type AuthorityServices, crlPartitionsOf, requireConfig } from './services.js';

/** What there is to know of a CRL without reading it. */
export interface CrlSummary {
  /** The id of the one that has signed it. */
  readonly generation: string;
  readonly partition: number;
  readonly kind: 'full' | 'delta';
  /** CRLNumber. */
  readonly number: number;
  readonly entries: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Where certificates that are issued now say that it is. */
  readonly url: string;
}

/** The latest CRLs of all generations of a CA, each full one before its delta. @throws GatewayError 'not-found' */
export async function listCrls(
  ca: string,
  services: Pick<AuthorityServices, 'store' | 'generations' | 'catalog'>,
): Promise<readonly CrlSummary[]> {
  requireConfig(ca, services);
  const own = services.generations.all().filter((generation) => generation.ca === ca);
  return await summarize(own, services);
}

interface Publication {
  /** All CAs, if absent. */
  readonly ca?: string | undefined;
  readonly actor: Actor;
}

export interface PublishedCrls {
  readonly crls: readonly CrlSummary[];
  /** Generations that can publish nothing, with the reason and what to do. */
  readonly skipped: readonly { readonly generation: string; readonly reason: string }[];
}

/**
 * Publishes the CRLs, and the deltas that there are, of all generations whose keys are in the gateway and that have not ended.
 * @throws GatewayError 'not-found'; 'invalid-state' where there is no such generation; 'unavailable', after trying all
 */
export function publishCrls({ ca, actor }: Publication, services: AuthorityServices): Promise<PublishedCrls> {
  return recordingRefusals({ act: 'publish', subject: ca ?? '', actor }, services, async () => {
    if (ca !== undefined) requireConfig(ca, services);
    const { generations, crls, clock } = services;
    await generations.reload();
    const now = clock.now();
    const present = generations
      .all()
      .filter((each) => (ca === undefined || each.ca === ca) && each.certificate.notAfter > now);
    const able = present.filter(({ online }) => online);
    const skipped = present.filter(({ online }) => !online).map((each) => explainAbsence(each, services));
    if (able.length === 0) {
      const reasons = skipped.map(({ reason }) => reason).join('; ');
      throw new GatewayError('invalid-state', reasons || 'there is no key and valid certificate to sign a CRL with');
    }
    const failures: unknown[] = [];
    for (const { id } of able) {
      for (const partition of await crlPartitionsOf(id, services)) {
        await crls.publish(id, partition).catch((failure: unknown) => failures.push(failure));
      }
    }
    if (failures.length > 0) throw failures[0];
    return { crls: await summarize(able, services), skipped };
  });
}

function explainAbsence(
  { id, ca }: SigningGeneration,
  { catalog }: Pick<AuthorityServices, 'catalog'>,
): PublishedCrls['skipped'][number] {
  const reason =
    catalog().certificateAuthorities.get(ca)?.key === 'external'
      ? `the key of ${id} is not in the gateway: its CRLs are published where it is`
      : `${id} is offline: gatehouse ca sign ${ca} signs its CRLs`;
  return { generation: id, reason };
}

async function summarize(
  generations: readonly SigningGeneration[],
  { store, catalog }: Pick<AuthorityServices, 'store' | 'catalog'>,
): Promise<readonly CrlSummary[]> {
  const configs = catalog().certificateAuthorities;
  const full = (await store.crls.headers({})).map((header) => ({ ...header, kind: 'full' }) as const);
  const deltas = (await store.crls.deltaHeaders({})).map((header) => ({ ...header, kind: 'delta' }) as const);
  return generations.flatMap((generation) =>
    [...full, ...deltas]
      .filter(({ issuerId }) => issuerId === generation.id)
      .toSorted((one, other) => one.partition - other.partition)
      .map((header) => summaryOf(header, generation.id, locationsOf(generation, configs.get(generation.ca)))),
  );
}

type Header = Pick<CrlHeader, 'partition' | 'number' | 'entries' | 'thisUpdate' | 'nextUpdate'>;

function summaryOf(
  { partition, kind, number, entries, thisUpdate, nextUpdate }: Header & Pick<CrlSummary, 'kind'>,
  generation: string,
  { crlUrls, deltaCrlUrls }: Locations,
): CrlSummary {
  const [url = ''] = kind === 'full' ? crlUrls(partition) : deltaCrlUrls(partition);
  return {
    generation,
    partition,
    kind,
    number,
    entries,
    thisUpdate: new Date(thisUpdate),
    nextUpdate: new Date(nextUpdate),
    url,
  };
}
