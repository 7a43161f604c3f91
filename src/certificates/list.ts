/** The inventory: the certificates that fit what is asked for, page by page. */
import { setImmediate } from 'node:timers/promises';
import type { Scope } from '../access/principal.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { certificateId } from '../store/certificate-record.js';
import type {
  CertificateConditions,
  CertificateOrder,
  CertificatePlace,
  FoundCertificate,
} from '../store/certificate-search.js';
import { policiesWithin } from './visible.js';

export interface CertificateQuery extends Omit<CertificateConditions, 'policies' | 'ids'> {
  /** Where the caller's rights hold. */
  readonly scope: Scope;
  readonly division?: string;
  readonly policy?: string;
  /** Hex, in any of the spellings that tools have: with colons, blanks, capitals and leading zeros. */
  readonly serialNumber?: string;
  readonly order: CertificateOrder;
}

export interface CertificatePage {
  readonly certificates: readonly FoundCertificate[];
  /** Where the next page begins, if there may be one: a page can have fewer certificates than were asked for. */
  readonly next?: CertificatePlace;
}

type Services = Pick<EnrollmentServices, 'store' | 'catalog' | 'authority'>;

/** A page of at most `limit`; it looks at so many certificates and no more, and lets others have their turn in between. */
export async function listCertificates(
  query: CertificateQuery,
  page: { readonly after?: CertificatePlace; readonly limit: number },
  services: Services,
): Promise<CertificatePage> {
  const { order } = query;
  const { limit } = page;
  const conditions = conditionsOf(query, services);
  if (conditions === undefined) return { certificates: [] };
  const { certificates } = services.store;
  if (isNarrow(conditions)) {
    const found = await certificates.search({ conditions, order, ...page, limit: limit + 1 });
    return cut(found, limit, order);
  }
  const found: FoundCertificate[] = [];
  let { after } = page;
  for (let looked = 0; looked < maximumLooked; looked += partSize) {
    const part = { conditions, order, ...(after ? { after } : {}), limit: limit + 1 - found.length };
    const upTo = await certificates.endOfPart(part, partSize);
    found.push(...(await certificates.search({ ...part, ...(upTo ? { upTo } : {}) })));
    if (found.length > limit || upTo === undefined) return cut(found, limit, order);
    after = upTo;
    await setImmediate();
  }
  return { certificates: found, ...(after ? { next: after } : {}) };
}

/** All that fit, one after the other. */
export async function* eachCertificate(query: CertificateQuery, services: Services): AsyncGenerator<FoundCertificate> {
  let after: CertificatePlace | undefined;
  do {
    const page = await listCertificates(query, { limit: pageSize, ...(after ? { after } : {}) }, services);
    yield* page.certificates;
    after = page.next;
  } while (after);
}

/** Read in a few milliseconds. */
const partSize = 1000;
const maximumLooked = 50_000;
const pageSize = 500;

/** Undefined where nothing can fit. */
function conditionsOf(query: CertificateQuery, { catalog, authority }: Services): CertificateConditions | undefined {
  const { scope, division, policy, serialNumber, order: _order, ...conditions } = query;
  const within = policiesWithin(scope, division, catalog());
  const policies = policy === undefined ? within : within === undefined || within.includes(policy) ? [policy] : [];
  if (policies?.length === 0) return undefined;
  const spellings = serialNumber === undefined ? undefined : spellingsOf(serialNumber);
  const generations = authority.generations();
  return {
    ...conditions,
    ...(policies ? { policies } : {}),
    ...(spellings
      ? { ids: generations.flatMap(({ id }) => spellings.map((spelling) => certificateId(id, spelling))) }
      : {}),
  };
}

/** Serial numbers are kept in whole octets, without leading zeros. */
function spellingsOf(text: string): readonly string[] {
  const digits = text
    .replace(/[\s:]/g, '')
    .replace(/^0x/i, '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
  return [digits.length % 2 === 0 ? digits : `0${digits}`];
}

function isNarrow({ ids, deviceId, certificateFingerprint, keyFingerprint }: CertificateConditions): boolean {
  return [ids, deviceId, certificateFingerprint, keyFingerprint].some((condition) => condition !== undefined);
}

function cut(found: readonly FoundCertificate[], limit: number, { by }: CertificateOrder): CertificatePage {
  const certificates = found.slice(0, limit);
  const last = found.length > limit ? certificates.at(-1) : undefined;
  return { certificates, ...(last ? { next: { at: last[by], id: last.id } } : {}) };
}
