/** The inventory: the certificates that fit what is asked for, page by page. */
import type { Scope } from '../access/principal.js';
import { isMember } from '../enrollment/group-member.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { DeviceGroup } from '../model/device-group.js';
import { certificateId } from '../store/certificate-record.js';
import type {
  CertificateConditions,
  CertificateOrder,
  CertificatePlace,
  FoundCertificate,
} from '../store/certificate-search.js';
import { cutPage, pageInParts } from '../store/page-in-parts.js';
import { policiesWithin } from './visible.js';

export interface CertificateQuery extends Omit<CertificateConditions, 'policies' | 'ids'> {
  /** Where the caller's rights hold. */
  readonly scope: Scope;
  readonly division?: string;
  readonly policy?: string;
  /** Hex, in any of the spellings that tools have: with colons, blanks, capitals and leading zeros. */
  readonly serialNumber?: string;
  /** Of the devices that its filter fits now. */
  readonly dynamicGroup?: DeviceGroup;
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
  const { order, dynamicGroup } = query;
  const conditions = conditionsOf(query, services);
  if (conditions === undefined) return { certificates: [] };
  const { certificates } = services.store;
  const placeOf = ({ id, [order.by]: at }: FoundCertificate) => ({ at, id });
  if (isNarrow(conditions)) {
    const found = await certificates.search({ conditions, order, ...page, limit: page.limit + 1 });
    const { items, ...end } = cutPage(found, page.limit, placeOf);
    return { certificates: dynamicGroup ? await ofMembers(items, dynamicGroup, services) : items, ...end };
  }
  const { items, ...end } = await pageInParts<FoundCertificate, CertificatePlace>({
    ...page,
    ...(dynamicGroup ? byDevices : byColumns),
    endOfPart: (after, size) =>
      certificates.endOfPart({ conditions, order, ...(after ? { after } : {}), limit: page.limit }, size),
    read: async ({ limit, ...part }) => {
      if (!dynamicGroup) return await certificates.search({ conditions, order, ...part, limit });
      const found = await certificates.search({ conditions, order, ...part, limit: byDevices.partSize });
      return await ofMembers(found, dynamicGroup, services);
    },
    placeOf,
  });
  return { certificates: items, ...end };
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

/** The condition that certificates are of the devices of a group. */
export function ofGroup(group: DeviceGroup): Pick<CertificateQuery, 'deviceGroup' | 'dynamicGroup'> {
  return group.filter === undefined ? { deviceGroup: group.name } : { dynamicGroup: group };
}

/** A part is read in a few milliseconds; the devices as well where they are to be held against a filter. */
const byColumns = { partSize: 1000, most: 50_000 } as const;
const byDevices = { partSize: 250, most: 5000 } as const;
const pageSize = 500;

/** Undefined where nothing can fit. */
function conditionsOf(query: CertificateQuery, { catalog, authority }: Services): CertificateConditions | undefined {
  const { scope, division, policy, serialNumber, order: _order, dynamicGroup: _group, ...conditions } = query;
  if (conditions.deviceIds?.length === 0) return undefined;
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

function isNarrow({
  ids,
  deviceId,
  deviceIds,
  certificateFingerprint,
  keyFingerprint,
}: CertificateConditions): boolean {
  return [ids, deviceId, deviceIds, certificateFingerprint, keyFingerprint].some(
    (condition) => condition !== undefined,
  );
}

/** Those whose devices the filter fits now. */
async function ofMembers(
  found: readonly FoundCertificate[],
  group: DeviceGroup,
  { store }: Pick<Services, 'store'>,
): Promise<readonly FoundCertificate[]> {
  const ids = new Set(found.flatMap(({ deviceId }) => deviceId ?? []));
  if (ids.size === 0) return [];
  const devices = await store.devices.findByIds([...ids]);
  const members = new Set(devices.filter((device) => isMember(device, group)).map(({ id }) => id));
  return found.filter(({ deviceId }) => deviceId !== null && members.has(deviceId));
}
