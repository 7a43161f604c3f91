/** How the CAs and their CRLs stand, by what the store has of them. */
import { timingOf } from '../ca/crl-timing.js';
import type { Catalog } from '../catalog/catalog.js';
import type { GenerationState } from '../model/certificate-authority.js';
import type { CaGenerationRecord } from '../store/ca-generation-repository.js';
import type { CrlHeader } from '../store/crl-record.js';
import type { Store } from '../store/store.js';

export interface AuthorityState {
  /** Of the generation, such as quickstart-ec-1. */
  readonly id: string;
  readonly ca: string;
  readonly state: GenerationState;
  /** Whether its key is in the gateway. */
  readonly online: boolean;
  readonly revoked: boolean;
  readonly notAfter: Date;
  /** near: within 90 days or the last tenth of its validity, whichever is shorter. */
  readonly end: 'far' | 'near' | 'past';
  readonly crls: readonly CrlState[];
}

interface CrlState {
  readonly partition: number;
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** late: there should be a newer one, or soon one whose key has to be brought; past: whoever checks revocation has none that is valid. */
  readonly freshness: 'fresh' | 'late' | 'past';
}

/** All generations, by CA and number. */
export async function readAuthorityStates(
  store: Pick<Store, 'caGenerations' | 'crls'>,
  { certificateAuthorities }: Pick<Catalog, 'certificateAuthorities'>,
  now: number,
): Promise<readonly AuthorityState[]> {
  const states: AuthorityState[] = [];
  const headers = await store.crls.headers({});
  for (const generation of await store.caGenerations.all()) {
    const { id, ca, state, keyId, revokedAt, notAfter } = generation;
    const online = keyId !== '';
    const { interval } = timingOf(generation, certificateAuthorities);
    const crls = headers.filter(({ issuerId }) => issuerId === id);
    states.push({
      id,
      ca,
      state,
      online,
      revoked: revokedAt !== null,
      notAfter: new Date(notAfter),
      end: endOf(generation, now),
      crls: crls.map((crl) => ({
        partition: crl.partition,
        number: crl.number,
        thisUpdate: new Date(crl.thisUpdate),
        nextUpdate: new Date(crl.nextUpdate),
        freshness: online ? freshnessOf(crl, interval, now) : freshnessOffline(crl, now),
      })),
    });
  }
  return states;
}

const day = 86_400_000;
const nearMilliseconds = 90 * day;
/** A running gateway looks every minute; this much later it has had its chances. */
const latenessMilliseconds = 300_000;
const offlineNoticeMilliseconds = 30 * day;

function endOf({ notBefore, notAfter }: CaGenerationRecord, now: number): AuthorityState['end'] {
  if (notAfter < now) return 'past';
  return notAfter - now < Math.min(nearMilliseconds, (notAfter - notBefore) / 10) ? 'near' : 'far';
}

function freshnessOf({ thisUpdate, nextUpdate }: CrlHeader, interval: number, now: number): CrlState['freshness'] {
  if (nextUpdate < now) return 'past';
  return thisUpdate + interval * 1000 + latenessMilliseconds < now ? 'late' : 'fresh';
}

/** People have to come together for the next one. */
function freshnessOffline({ thisUpdate, nextUpdate }: CrlHeader, now: number): CrlState['freshness'] {
  if (nextUpdate < now) return 'past';
  return nextUpdate - now < Math.min(offlineNoticeMilliseconds, (nextUpdate - thisUpdate) / 3) ? 'late' : 'fresh';
}
