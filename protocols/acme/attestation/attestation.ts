/** WebAuthn attestation objects in responses to device-attest-01 (draft-ietf-acme-device-attest). */
import { AcmeError } from '../problem.js';
import { readDeviceIdentifiers, type VerifiedStatement } from './attestation-certificate.js';
import { decodeAttestationObject, type StatementFields } from './attestation-object.js';
import { verifyPackedStatement } from './packed.js';
import { verifyTpmStatement } from './tpm.js';

export interface Attestation {
  /** DER: the attestation certificate (of a TPM's attestation key, or of the attested key itself) first. */
  readonly chain: readonly Uint8Array[];
  /** DER SubjectPublicKeyInfo. */
  readonly attestedKey: Uint8Array;
  /** What the attestation certificate says of the device, as identifiers of ACME write it. */
  readonly permanentIdentifiers: readonly string[];
  readonly hardwareModules: readonly string[];
}

/**
 * Verifies everything of an attestation but whether its certificate is trusted.
 * @param attestationObject CBOR
 * @throws AcmeError `badAttestationStatement`, whose message says what is wrong; `malformed` for what is no attestation object
 */
export function verifyAttestation(attestationObject: Uint8Array, keyAuthorization: string): Attestation {
  const { format, fields } = decodeAttestationObject(attestationObject);
  const verify = formats.get(format);
  if (verify === undefined) {
    throw new AcmeError(
      'badAttestationStatement',
      `attestation format${nameOf(format)} is not taken; send tpm or packed`,
    );
  }
  const { certificate, attestedKey } = verify(fields, keyAuthorization);
  return { chain: certificate.chain, attestedKey, ...readDeviceIdentifiers(certificate.leaf) };
}

/** WebAuthn level 2, 8.3 and 8.2. */
const formats: ReadonlyMap<string, (fields: StatementFields, keyAuthorization: string) => VerifiedStatement> = new Map([
  ['tpm', verifyTpmStatement],
  ['packed', verifyPackedStatement],
]);

/** For a message; nothing for what cannot be the name of a format (RFC 8809 2.1). */
function nameOf(format: string): string {
  return /^[\w.-]{1,32}$/.test(format) ? ` ${format}` : '';
}
