/** What follows a root CA, for clients that trust it (RFC 9483 4.3.2). */
import type { CaGeneration } from '../ca/generations.js';
import type { RootUpdate } from '../ca-view.js';
import { familyOf, findLink, isPresent } from './present-generations.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

/**
 * Of the root that the policy's certificates chain to, or of another one in the hierarchy, DER; undefined when nothing follows. Who
 * is several generations behind comes to the last one step by step.
 */
export async function findRootUpdate(
  label: string | undefined,
  root: Uint8Array | undefined,
  services: EnrollmentServices,
): Promise<RootUpdate | undefined> {
  const { authority } = services;
  const { issuingCa } = findTarget(services.catalog(), label).resolved.policy;
  const known = root ?? authority.chain(authority.issuer(issuingCa).id).at(-1);
  const roots = familyOf(issuingCa, services).filter(
    (generation) => generation.parent === null && isPresent(generation, services),
  );
  const old = roots.find(({ certificate }) => known !== undefined && Buffer.compare(certificate.der, known) === 0);
  return old && (await findNextStep(old, roots, services));
}

/** By number, where those that were dropped leave gaps: the first one that the old one is linked with. */
async function findNextStep(
  old: CaGeneration,
  roots: readonly CaGeneration[],
  services: EnrollmentServices,
): Promise<RootUpdate | undefined> {
  const later = roots.filter(({ ca, number }) => ca === old.ca && number > old.number);
  for (const next of later.slice(0, mostSteps)) {
    const newWithOld = await findLink(next, old, services);
    const oldWithNew = await findLink(old, next, services);
    if (newWithOld && oldWithNew) return { newWithNew: next.certificate.der, newWithOld, oldWithNew };
  }
  return undefined;
}

const mostSteps = 8;
