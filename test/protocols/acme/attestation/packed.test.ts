import { describe, expect, it } from '@jest/globals';
import { verifyAttestation } from '../../../../protocols/acme/attestation/attestation.js';
import {
  attestationCa,
  keyAuthorization,
  packedAttestation,
  type StatementOptions,
  spkiOf,
} from '../../../support/acme/attestation.js';
import { basicConstraints, keyUsage, privateKeyOf } from '../../../support/make-chain.js';
import { refusal } from './refusal.js';

const refused = (options: StatementOptions) => refusal(packedAttestation(keyAuthorization, options));

describe('an attestation of format packed (WebAuthn level 2, 8.2)', () => {
  it.each([-7, -35, -36, -37, -38, -39, -257, -258, -259])(
    'tells of the key of its certificate, with the COSE algorithm %i',
    (alg) => {
      const attestation = verifyAttestation(packedAttestation(keyAuthorization, { alg }), keyAuthorization);
      const signer = alg > -37 ? 'attestation key' : 'rsa attestation key';
      expect(Buffer.from(attestation.attestedKey)).toEqual(Buffer.from(spkiOf(privateKeyOf(signer))));
      expect(Buffer.from(attestation.chain[1] ?? '')).toEqual(Buffer.from(attestationCa));
      expect(attestation.permanentIdentifiers).toEqual(['SN-4711']);
    },
  );

  it('is refused for another key authorization than it was made for', () => {
    const words = 'sig is no signature of the key authorization by the key of the certificate and with alg';
    expect(refusal(packedAttestation(keyAuthorization), 'other.thumbprint')).toBe(`badAttestationStatement: ${words}`);
  });

  it('is refused without certificate: self-attestation says nothing of the device', () => {
    expect(refused({ statement: { x5c: undefined } })).toBe(
      'badAttestationStatement: the attestation statement has no x5c, and self-attestation is not taken; send the certificate',
    );
  });

  it.each<[string, StatementOptions, RegExp]>([
    ['with another key than that of the certificate', { certificate: { key: 'other key' } }, /sig is no signature/],
    ['with a key of another kind', { certificate: { key: 'rsa other key' } }, /sig is no signature/],
    ['with a signature of another hash', { statement: { alg: -35 } }, /sig is no signature/],
    ['with an empty signature', { statement: { sig: Buffer.alloc(0) } }, /sig is no signature/],
    ['without signature', { statement: { sig: undefined } }, /has no sig, which is a byte string/],
    ['with SHA-1', { alg: -257, statement: { alg: -65_535 } }, /algorithm that is not taken/],
    ['without alg', { statement: { alg: undefined } }, /algorithm that is not taken/],
    ['by ECDAA', { statement: { ecdaaKeyId: Buffer.of(1) } }, /ECDAA is not taken; send x5c/],
    ['with a certificate of a CA', { certificate: { extensions: [basicConstraints(true)] } }, /that of a CA/],
    ['with a certificate of version 1', { certificate: { version: 1, extensions: [] } }, /not of version 3/],
    [
      'with one whose key may not sign',
      { certificate: { extensions: [keyUsage('cRLSign')] } },
      /without digitalSignature/,
    ],
    ['with a short RSA key', { alg: -257, signer: 'rsa1024 attestation key' }, /less than 2048 bits/],
  ])('is refused %s', (_, options, words) => {
    expect(refused(options)).toMatch(words);
  });

  it.each<[string, NonNullable<StatementOptions['statement']>, RegExp]>([
    ['no list', { x5c: attestationCa }, /no list of byte strings/],
    ['a list of texts', { x5c: ['text'] }, /no list of byte strings/],
    ['empty', { x5c: [] }, /x5c is empty/],
    ['nine certificates', { x5c: Array<Uint8Array>(9).fill(attestationCa) }, /more than 8 certificates/],
    ['no certificate', { x5c: [Buffer.of(5, 0)] }, /certificate cannot be read/],
    ['a certificate with trailing bytes', { x5c: [Buffer.concat([attestationCa, Buffer.of(0)])] }, /trailing bytes/],
  ])('is refused where x5c is %s', (_, statement, words) => {
    expect(refused({ statement })).toMatch(words);
  });
});
