/** The name constraints that bind what a generation issues: its own certificate's, and those of all above it. */
import { extension } from '../x509/certificate.js';
import { decodeNameConstraints, type NameConstraints } from '../x509/name-constraints.js';
import { idCeNameConstraints } from '../x509/oids.js';
import type { CaGeneration } from './generations.js';

/**
 * Of the generation first, then of those above it. A root's count too: some who verify honour them (RFC 5280 6.2).
 * @throws DerError for constraints that cannot be read
 */
export function constraintsOn(
  generation: Pick<CaGeneration, 'certificate' | 'parent'>,
  generations: { find(id: string): Pick<CaGeneration, 'certificate' | 'parent'> | undefined },
): readonly NameConstraints[] {
  const own = ownConstraints(generation);
  const parent = generation.parent === null ? undefined : generations.find(generation.parent);
  return parent === undefined ? own : [...own, ...constraintsOn(parent, generations)];
}

// Decoded once for each certificate: asked at every request.
const decoded = new WeakMap<CaGeneration['certificate'], readonly NameConstraints[]>();

function ownConstraints({ certificate }: Pick<CaGeneration, 'certificate'>): readonly NameConstraints[] {
  const known = decoded.get(certificate);
  if (known !== undefined) return known;
  const value = extension(certificate, idCeNameConstraints);
  const own = value === undefined ? [] : [decodeNameConstraints(value)];
  decoded.set(certificate, own);
  return own;
}
