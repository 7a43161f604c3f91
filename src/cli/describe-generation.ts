/** Generations of CAs, for programs. */
import type { CaGeneration } from '../ca/generations.js';
import { fingerprint } from '../x509/certificate.js';

export function describeGeneration(generation: CaGeneration) {
  const { id, state, online, revoked, activateAt, replaceBy, certificate } = generation;
  const { der, notBefore, notAfter, serialNumber } = certificate;
  return {
    id,
    state,
    online,
    revoked,
    ...(activateAt && { activateAt: activateAt.toISOString() }),
    ...(replaceBy && { replaceBy: replaceBy.toISOString() }),
    serialNumber,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    fingerprint: fingerprint(der),
  };
}
