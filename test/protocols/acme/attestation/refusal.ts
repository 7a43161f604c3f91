import { verifyAttestation } from '../../../../protocols/acme/attestation/attestation.js';
import { AcmeError } from '../../../../protocols/acme/problem.js';
import { keyAuthorization } from '../../../support/acme/attestation.js';

/** What an attestation object is refused with: type and words; undefined if it is not. What is no AcmeError is thrown on. */
export function refusal(attestationObject: Uint8Array, authorization = keyAuthorization): string | undefined {
  try {
    verifyAttestation(attestationObject, authorization);
    return undefined;
  } catch (error) {
    if (error instanceof AcmeError) return `${error.type}: ${error.message}`;
    throw error;
  }
}
