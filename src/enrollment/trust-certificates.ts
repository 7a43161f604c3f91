/** What clients trust, and build chains with while CAs roll over. */
import type { CaGeneration } from '../ca/generations.js';
import type { TrustAnchor } from '../ca-view.js';
import { GatewayError } from '../errors.js';
import { fingerprint } from '../x509/certificate.js';
import {
  findForeignLinks,
  findLinks,
  isPresent,
  type Links,
  presentGenerations,
  rootOf,
} from './present-generations.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

type TrustServices = Pick<EnrollmentServices, 'authority' | 'store' | 'clock'>;

/**
 * The chain of the policy's CA; while CAs roll over its root's earlier generations (OldWithOld) as well, what leads from each to the
 * next (NewWithOld) and back (OldWithNew), and other generations of the CAs below (RFC 7030 4.1.3), DER. A root that is not yet that
 * of the chain is there by links alone: clients that trust the latest self-signed certificate would not verify the present ones.
 * @throws GatewayError `not-found`; `unavailable` as long as the CA does not issue
 */
export async function findTrustCertificates(
  label: string | undefined,
  services: EnrollmentServices,
): Promise<readonly Uint8Array[]> {
  const { authority } = services;
  const { issuingCa } = findTarget(services.catalog(), label).resolved.policy;
  const { id } = authority.issuer(issuingCa);
  const chain = authority.chain(id);
  const root = rootOf(authority.generation(id), services);
  const present = presentGenerations(issuingCa, services);
  const others = present.filter(({ certificate }) => !chain.includes(certificate.der));
  const issuers = others.filter(
    (each) => each.parent !== null && (each.state !== 'next' || rootOf(each, services)?.ca === root?.ca),
  );
  const isUsed = (other: CaGeneration) => issuers.some((issuer) => rootOf(issuer, services)?.id === other.id);
  const roots = others.filter(
    (each) => each.parent === null && (each.ca === root?.ca ? each.number < root.number : isUsed(each)),
  );
  const links = await findLinks(present.filter(isRootOf(root?.ca)), services);
  return inOrder({ chain, roots: roots.map(derOf), links, issuers: issuers.map(derOf) });
}

/**
 * Many clients try one certificate of a key alone, and take what they look for by its place. The issuer is the first, and its root the
 * first of the roots. OpenSSL tries the first of a key: roots come before links, and where a root has links to both sides, that which
 * leads to an old one. strongSwan sees them in reverse: the last one is a link that leads to a root that everybody has.
 */
function inOrder({ chain, roots, links: { newWithOld, oldWithNew }, issuers }: Found): readonly Uint8Array[] {
  const [latest, ...older] = newWithOld;
  return [...chain, ...roots, ...issuers, ...older, ...oldWithNew, ...(latest === undefined ? [] : [latest])];
}

interface Found {
  /** The current issuer first, the root last. */
  readonly chain: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  readonly links: Links;
  readonly issuers: readonly Uint8Array[];
}

/**
 * What leads from the root that a CA's certificates chain to now to the earlier ones, for those who trust only these; DER, each after
 * the one that it has issued.
 */
export async function findLinksToEarlierRoots(ca: string, services: TrustServices): Promise<readonly Uint8Array[]> {
  const root = rootOf(findCurrent(ca, services), services);
  if (root === undefined) return [];
  const roots = presentGenerations(ca, services).filter(isRootOf(root.ca));
  const { newWithOld } = await findLinks(
    roots.filter(({ number }) => number <= root.number),
    services,
  );
  return newWithOld;
}

/** The roots of all CAs that are valid now, by CA and number, those to come included. */
export function listTrustAnchors(services: TrustServices): readonly TrustAnchor[] {
  return services.authority
    .generations()
    .filter((generation) => generation.parent === null && isPresent(generation, services))
    .map(({ id, ca, state, certificate }) => ({ generation: id, ca, state, certificate: certificate.der }));
}

/**
 * The root that a CA's certificates chain to now, DER, then its earlier and later ones in use.
 * @throws GatewayError `not-found`
 */
export function findTrustAnchors(ca: string, services: TrustServices): readonly Uint8Array[] {
  return rootsInUse(ca, services).map(derOf);
}

/**
 * What leads from one of these roots to the next and back, and from foreign roots, which are left out themselves, to these and to
 * the CA; DER. @throws GatewayError `not-found`
 */
export async function findTrustLinks(ca: string, services: TrustServices): Promise<readonly Uint8Array[]> {
  const roots = rootsInUse(ca, services);
  const { newWithOld, oldWithNew } = await findLinks(roots.filter(isRootOf(roots[0]?.ca)), services);
  const foreign: Uint8Array[] = [];
  for (const generation of presentGenerations(ca, services)) {
    for (const link of await findForeignLinks(generation, services)) foreign.push(...link.slice(0, -1));
  }
  return [...newWithOld, ...oldWithNew, ...new Map(foreign.map((der) => [fingerprint(der), der])).values()];
}

function rootsInUse(ca: string, services: TrustServices): readonly CaGeneration[] {
  const root = rootOf(findCurrent(ca, services), services);
  const roots = presentGenerations(ca, services).filter(({ parent, state }) => parent === null && state !== 'next');
  const first = roots.filter(({ id }) => id === root?.id);
  if (first.length === 0) {
    throw new GatewayError('not-found', 'there is no CA of this name with a root certificate that is valid now');
  }
  return [...first, ...roots.filter(({ id }) => id !== root?.id)];
}

function findCurrent(ca: string, { authority }: TrustServices): CaGeneration | undefined {
  return authority.generations().find((generation) => generation.ca === ca && generation.state === 'current');
}

function isRootOf(name: string | undefined): (generation: CaGeneration) => boolean {
  return ({ ca, parent }) => parent === null && ca === name;
}

function derOf({ certificate }: CaGeneration): Uint8Array {
  return certificate.der;
}
