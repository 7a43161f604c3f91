import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { verifyAttestation } from '../../../../protocols/acme/attestation/attestation.js';
import { validatePath } from '../../../../src/x509/path-validation.js';
import { decodeCertificationRequest } from '../../../../src/x509/pkcs10.js';
import { keyFingerprint } from '../../../../src/x509/public-key.js';
import { createTrustAnchors } from '../../../../src/x509/trust-anchors.js';
import { refusal } from './refusal.js';

const at = new Date('2027-01-01T00:00:00Z');

/** What fixtures/acme/attestation has of a TPM (tests run in the project's folder). */
function recorded(name: string) {
  const read = (file: string) => readFileSync(`fixtures/acme/attestation/${name}/${file}`);
  return {
    keyAuthorization: read('key-authorization.txt').toString().trimEnd(),
    attestationObject: read('att-obj.cbor'),
    request: decodeCertificationRequest(read('request.der')),
    authority: read('authority.der'),
  };
}

describe('what a TPM has attested', () => {
  it.each(['tpm-ecdsa', 'tpm-rsassa', 'tpm-rsapss'])('is verified, and its chain is one: %s', async (name) => {
    const { keyAuthorization, attestationObject, request, authority } = recorded(name);
    const attestation = verifyAttestation(attestationObject, keyAuthorization);
    expect(keyFingerprint(attestation.attestedKey)).toBe(keyFingerprint(request.subjectPublicKeyInfo));
    expect(attestation.permanentIdentifiers).toEqual(['SN-4711']);
    expect(attestation.hardwareModules).toEqual(['1.3.6.1.4.1.55555.1:a1b2']);
    const [certificate = Buffer.alloc(0), ...intermediates] = attestation.chain;
    const trustAnchors = createTrustAnchors([authority]);
    const path = await validatePath({ certificate, intermediates, trustAnchors, at });
    expect(path).toMatchObject({ ok: true });
  });

  it('is refused of a key that may leave the TPM', () => {
    const { keyAuthorization, attestationObject } = recorded('tpm-exportable');
    expect(refusal(attestationObject, keyAuthorization)).toBe(
      'badAttestationStatement: the attested key may leave its TPM; make one with fixedTPM and fixedParent',
    );
  });

  it('is refused for another challenge', () => {
    expect(refusal(recorded('tpm-ecdsa').attestationObject, 'other.thumbprint')).toMatch(/extraData/);
  });
});
