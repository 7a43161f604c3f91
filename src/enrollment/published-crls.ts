/** CRLs and deltas for whoever fetches them by URL: many ask, few need to be sent one, and fewer are new. */
import { timingOf } from '../ca/crl-timing.js';
import type { PublishedCrl, PublishedCrlQuery } from '../ca-view.js';
import { GatewayError } from '../errors.js';
import type { ProtocolServices } from '../protocol.js';
import type { CrlHeader, CrlRecord, DeltaRecord } from '../store/crl-record.js';
import type { EnrollmentServices } from './services.js';

type PublishedServices = Pick<EnrollmentServices, 'store' | 'authority' | 'catalog'>;
type PublishedRecord = CrlRecord | DeltaRecord;

export function createPublishedCrls({
  store,
  authority,
  catalog,
}: PublishedServices): Pick<ProtocolServices, 'crl' | 'deltaCrl'> {
  const recent = createRecentCrls();

  function describe(
    { etag, thisUpdate, nextUpdate }: Pick<CrlHeader, 'etag' | 'thisUpdate' | 'nextUpdate'>,
    { generation }: PublishedCrlQuery,
  ): Omit<PublishedCrl, 'der'> {
    const { publishWithin } = timingOf(
      { ca: authority.generation(generation)?.ca ?? '' },
      catalog().certificateAuthorities,
    );
    return {
      etag,
      thisUpdate: new Date(thisUpdate),
      nextUpdate: new Date(nextUpdate),
      maximumAge: Math.min(maximumAge, Math.max(publishWithin, minimumAge)),
    };
  }

  function answer(key: string, record: PublishedRecord | undefined, query: PublishedCrlQuery): PublishedCrl {
    if (record === undefined) throw notFound();
    const { etag, der } = record;
    recent.put(key, { etag, der });
    const described = describe(record, query);
    return query.isKnown(etag) ? described : { ...described, der };
  }

  /** Neither read nor hashed, if the client or this process has it. */
  function answerUnread(
    key: string,
    header: Pick<CrlHeader, 'etag' | 'thisUpdate' | 'nextUpdate'>,
    query: PublishedCrlQuery,
  ): PublishedCrl | undefined {
    if (query.isKnown(header.etag)) return describe(header, query);
    const der = recent.find(key, header.etag);
    return der && { ...describe(header, query), der };
  }

  return {
    async crl(query) {
      const place = { issuerId: query.generation, partition: query.partition };
      const key = `${place.issuerId}/${place.partition}`;
      const header = await store.crls.findHeader(place);
      if (header === undefined) throw notFound();
      return answerUnread(key, header, query) ?? answer(key, await store.crls.find(place), query);
    },

    async deltaCrl(query) {
      const place = { issuerId: query.generation, partition: query.partition };
      const key = `${place.issuerId}/${place.partition}-delta`;
      const header = await store.crls.findDeltaHeader(place);
      if (header === undefined) throw notFound();
      return answerUnread(key, header, query) ?? answer(key, await store.crls.findDelta(place), query);
    },
  };
}

/** Seconds. */
const maximumAge = 300;
const minimumAge = 5;
const recentBytes = 16 * 1024 * 1024;

interface RecentCrl {
  readonly etag: string;
  readonly der: Uint8Array;
}

/** The CRLs that were read last, up to a number of bytes. */
function createRecentCrls() {
  const byKey = new Map<string, RecentCrl>();
  let bytes = 0;

  function forget(key: string): void {
    bytes -= byKey.get(key)?.der.length ?? 0;
    byKey.delete(key);
  }

  return {
    find(key: string, etag: string): Uint8Array | undefined {
      const known = byKey.get(key);
      return known?.etag === etag ? known.der : undefined;
    },

    put(key: string, crl: RecentCrl): void {
      forget(key);
      if (crl.der.length > recentBytes) return;
      byKey.set(key, crl);
      bytes += crl.der.length;
      for (const oldest of byKey.keys()) {
        if (bytes <= recentBytes) return;
        forget(oldest);
      }
    },
  };
}

function notFound(): GatewayError {
  return new GatewayError('not-found', 'there is no such CRL');
}
