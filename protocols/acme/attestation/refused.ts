import { AcmeError } from '../problem.js';

/** The refusal of an attestation statement. */
export function refused(detail: string, cause?: unknown): AcmeError {
  return new AcmeError('badAttestationStatement', detail, { cause });
}
