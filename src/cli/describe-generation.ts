/** Generations of CAs, for programs. */
import type { CaGeneration } from '../ca/generations.js';

export function describeGeneration(generation: CaGeneration) {
  const { id, state, online, revoked, activateAt, certificate } = generation;
  const { notBefore, notAfter, serialNumber } = certificate;
  return {
    id,
    state,
    online,
    revoked,
    ...(activateAt && { activateAt: activateAt.toISOString() }),
    serialNumber,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
  };
}
