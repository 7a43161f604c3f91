/** WebAuthn attestation objects in responses to device-attest-01 (draft-ietf-acme-device-attest). */

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
 * @throws AcmeError `badAttestationStatement`, whose message says what is wrong; `malformed` for what cannot be read
 */
export function verifyAttestation(_attestationObject: Uint8Array, _keyAuthorization: string): Attestation {
  throw new Error('not built yet');
}
