/** The generations of CAs that relying parties meet at a time, and what leads from one of a root's to the next. */
import { findCrossCertificate } from '../ca/cross-certificates.js';
import type { CaGeneration } from '../ca/generations.js';
import { decodeCertificate } from '../x509/certificate.js';
import { fromPem } from '../x509/pem.js';
import type { EnrollmentServices } from './services.js';

type GenerationServices = Pick<EnrollmentServices, 'authority' | 'clock' | 'store'>;

/** All generations of a CA and of the CAs above it, whichever of their generations has certified it; each CA's by number. */
export function familyOf(ca: string, { authority }: Pick<GenerationServices, 'authority'>): readonly CaGeneration[] {
  const found: CaGeneration[] = [];
  const names = new Set([ca]);
  // A set goes on with what is added on the way.
  for (const name of names) {
    const ofOneCa = authority.generations().filter((generation) => generation.ca === name);
    found.push(...ofOneCa);
    for (const { parent } of ofOneCa) {
      const above = parent === null ? undefined : authority.generation(parent);
      if (above !== undefined) names.add(above.ca);
    }
  }
  return found;
}

/** Whether its certificate is valid now, and not revoked; a next one has to be announced as well. Those above it are not looked at. */
export function isPresent(
  { id, ca, state, revoked, certificate }: CaGeneration,
  { authority, clock }: Pick<GenerationServices, 'authority' | 'clock'>,
): boolean {
  const now = clock.now();
  if (revoked || certificate.notBefore > now || certificate.notAfter < now) return false;
  return state !== 'next' || authority.next(ca)?.id === id;
}

/** Those of a CA's family that are present and lead to a root that is, over such ones; of each CA the latest ones. */
export function presentGenerations(ca: string, services: GenerationServices): readonly CaGeneration[] {
  const family = familyOf(ca, services).filter((generation) => isPresent(generation, services));
  const laterThan = ({ ca: name, number }: CaGeneration) =>
    family.filter((other) => other.ca === name && other.number > number);
  const latest = family.filter((generation) => laterThan(generation).length < mostOfOneCa);
  const byId = new Map(latest.map((generation) => [generation.id, generation]));
  function leadsToRoot({ parent }: CaGeneration): boolean {
    const above = parent === null ? undefined : byId.get(parent);
    return parent === null || (above !== undefined && leadsToRoot(above));
  }
  return latest.filter(leadsToRoot);
}

/** The root that a generation chains to: itself, if it is one. */
export function rootOf(
  generation: CaGeneration | undefined,
  { authority }: Pick<GenerationServices, 'authority'>,
): CaGeneration | undefined {
  let at = generation;
  while (at !== undefined && at.parent !== null) at = authority.generation(at.parent);
  return at;
}

/** The certificate of a root's key by another generation of it, DER; undefined if there is none that is valid. */
export async function findLink(
  subject: CaGeneration,
  issuer: CaGeneration,
  { store, clock }: Pick<GenerationServices, 'store' | 'clock'>,
): Promise<Uint8Array | undefined> {
  const link = await findCrossCertificate(subject, issuer.id, store);
  return link === undefined || decodeCertificate(link).notAfter < clock.now() ? undefined : link;
}

/** What foreign CAs have issued for a generation, as long as all of it is valid: each up to and including the foreign root, DER. */
export async function findForeignLinks(
  { id }: Pick<CaGeneration, 'id'>,
  { store, clock }: Pick<GenerationServices, 'store' | 'clock'>,
): Promise<readonly (readonly Uint8Array[])[]> {
  const links = await store.caLinks.ofGeneration({ generation: id });
  const now = clock.now().getTime();
  return links.filter(({ notAfter }) => notAfter > now).map(({ chain }) => fromPem(chain, 'CERTIFICATE'));
}

export interface Links {
  /** Each root's key by the one before, DER: over these, who trusts an old root comes to the later ones. The latest first. */
  readonly newWithOld: readonly Uint8Array[];
  /** Each root's key by the one after, DER. */
  readonly oldWithNew: readonly Uint8Array[];
}

/** What is valid of that (RFC 9810 4.4). @param roots of one CA */
export async function findLinks(
  roots: readonly CaGeneration[],
  services: Pick<GenerationServices, 'store' | 'clock'>,
): Promise<Links> {
  const latestFirst = roots.toSorted((a, b) => b.number - a.number);
  const newWithOld: (Uint8Array | undefined)[] = [];
  const oldWithNew: (Uint8Array | undefined)[] = [];
  for (const [index, old] of latestFirst.entries()) {
    const next = latestFirst[index - 1];
    if (next === undefined) continue;
    newWithOld.push(await findLink(next, old, services));
    oldWithNew.push(await findLink(old, next, services));
  }
  const isThere = (link: Uint8Array | undefined) => link !== undefined;
  return { newWithOld: newWithOld.filter(isThere), oldWithNew: oldWithNew.filter(isThere) };
}

/** More roll-overs than that within the life of one certificate are not announced: a device has to read it all. */
const mostOfOneCa = 8;
