/** What follows a root CA, for clients that trust it (RFC 9483 4.3.2). */
import { findCrossCertificate } from '../ca/cross-certificates.js';
import type { CaGeneration } from '../ca/generations.js';
import type { RootUpdate } from '../protocol.js';
import { hierarchyOf } from './find-certificate.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

/** Of the root that the policy's certificates chain to, or of another one in the hierarchy, DER; undefined when nothing follows. */
export async function findRootUpdate(
  label: string | undefined,
  root: Uint8Array | undefined,
  services: EnrollmentServices,
): Promise<RootUpdate | undefined> {
  const { authority, store } = services;
  const { issuingCa } = findTarget(services.catalog(), label).resolved.policy;
  const known = root ?? authority.chain(authority.issuer(issuingCa).id).at(-1);
  const old = [...hierarchyOf(issuingCa, services)].find(
    ({ parent, certificate }) => parent === null && known !== undefined && Buffer.compare(certificate.der, known) === 0,
  );
  if (old === undefined) return undefined;
  const next = successorOf(old, services);
  if (next === undefined) return undefined;
  const newWithOld = await findCrossCertificate(next, old.id, store);
  const oldWithNew = await findCrossCertificate(old, next.id, store);
  if (newWithOld === undefined || oldWithNew === undefined) return undefined;
  return { newWithNew: next.certificate.der, newWithOld, oldWithNew };
}

function successorOf(old: CaGeneration, { authority }: EnrollmentServices): CaGeneration | undefined {
  if (old.state !== 'previous') return authority.next(old.ca);
  // By number, which those that were dropped keep.
  return authority.generations().find(({ ca, number }) => ca === old.ca && number > old.number);
}
