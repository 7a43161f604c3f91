/** Chains to other roots than a certificate's own, by way of cross-certificates here and of foreign CAs (RFC 8555 7.4.2). */
import { findCrossCertificate } from '../ca/cross-certificates.js';
import type { CaGeneration } from '../ca/generations.js';
import { decodeCertificate } from '../x509/certificate.js';
import { requireOnRecord } from './find-certificate.js';
import { findForeignLinks, rootOf } from './present-generations.js';
import type { EnrollmentServices } from './services.js';

/** Each from the issuer of a certificate that was issued here up to and including another generation of its root, or a foreign root, DER. */
export async function findAlternateIssuers(
  certificate: Uint8Array,
  services: EnrollmentServices,
): Promise<readonly (readonly Uint8Array[])[]> {
  const { authority, clock, store } = services;
  const { issuerId } = await requireOnRecord(certificate, services);
  const root = rootOf(services.authority.generation(issuerId), services);
  if (root === undefined) return [];
  const belowRoot = authority.chain(issuerId).slice(0, -1);
  const chains: Uint8Array[][] = [];
  for (const other of otherGenerations(root, services)) {
    const cross = await findCrossCertificate(root, other.id, store);
    if (cross === undefined || decodeCertificate(cross).notAfter < clock.now()) continue;
    chains.push([...belowRoot, cross, other.certificate.der]);
  }
  return [...chains, ...(await overLinks(issuerId, services))];
}

/** Over what foreign CAs have issued for the issuer and those above it: up to foreign roots. */
async function overLinks(issuerId: string, services: EnrollmentServices): Promise<readonly (readonly Uint8Array[])[]> {
  const { authority } = services;
  const chains: Uint8Array[][] = [];
  const below: Uint8Array[] = [];
  let at = authority.generation(issuerId);
  while (at !== undefined) {
    for (const link of await findForeignLinks(at, services)) chains.push([...below, ...link]);
    below.push(at.certificate.der);
    at = at.parent === null ? undefined : authority.generation(at.parent);
  }
  return chains;
}

/** The latest first. A next one that is announced no longer is left out. */
function otherGenerations({ id, ca }: CaGeneration, { authority }: EnrollmentServices): readonly CaGeneration[] {
  const announced = authority.next(ca)?.id;
  return authority
    .generations()
    .filter((each) => each.ca === ca && each.id !== id && (each.state !== 'next' || each.id === announced))
    .toReversed();
}
