import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { verifyAttestation } from '../../../../protocols/acme/attestation/attestation.js';
import {
  aikPurpose,
  attestationCa,
  deviceKey,
  keyAuthorization,
  spkiOf,
  type TpmOptions,
  tpmAttestation,
} from '../../../support/acme/attestation.js';
import { attributes, heldSigningKey, nameOf, number, sized } from '../../../support/acme/tpm-structures.js';
import { basicConstraints, extendedKeyUsage, keyUsage } from '../../../support/make-chain.js';
import { refusal } from './refusal.js';

const attestedKey = (options: TpmOptions) =>
  Buffer.from(verifyAttestation(tpmAttestation(keyAuthorization, options), keyAuthorization).attestedKey);
const refused = (options: TpmOptions) => refusal(tpmAttestation(keyAuthorization, options));

const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
const ecKey = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey;

/** Whose x coordinate begins with zeros. */
function keyWithShortCoordinate() {
  for (;;) {
    const key = ecKey('P-256');
    if (Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')[0] === 0) return key;
  }
}

describe('an attestation of format tpm (WebAuthn level 2, 8.3)', () => {
  it('tells of the certified key, the chain and the device', () => {
    const attestation = verifyAttestation(tpmAttestation(keyAuthorization), keyAuthorization);
    expect(Buffer.from(attestation.attestedKey)).toEqual(Buffer.from(spkiOf(deviceKey.publicKey)));
    expect(attestation.chain).toHaveLength(2);
    expect(Buffer.from(attestation.chain[1] ?? '')).toEqual(Buffer.from(attestationCa));
    expect(attestation.permanentIdentifiers).toEqual(['SN-4711']);
    expect(attestation.hardwareModules).toEqual([]);
  });

  it.each([-7, -35, -36, -37, -38, -39, -257, -258, -259])('is taken with the COSE algorithm %i', (alg) => {
    expect(attestedKey({ alg })).toEqual(Buffer.from(spkiOf(deviceKey.publicKey)));
  });

  it.each([-7, -37, -257])('is taken with a signature as X.509 has it, by the COSE algorithm %i', (alg) => {
    expect(attestedKey({ alg, isPlain: true })).toEqual(Buffer.from(spkiOf(deviceKey.publicKey)));
  });

  it.each([
    ['RSA', rsaKey],
    ['P-256', ecKey('P-256')],
    ['P-384', ecKey('P-384')],
    ['P-521', ecKey('P-521')],
  ])('is taken of a key of %s', (_, key) => {
    expect(attestedKey({ key })).toEqual(Buffer.from(spkiOf(key)));
  });

  it('is taken of a key with a coordinate whose zeros in front are left away', () => {
    const key = keyWithShortCoordinate();
    expect(attestedKey({ key, area: { isStripped: true } })).toEqual(Buffer.from(spkiOf(key)));
  });

  it('is taken of a key with a scheme of its own, an exponent that is said, and a name by SHA-384', () => {
    const rsassa = Buffer.concat([number(2, 0x14), number(2, 0xb)]);
    const ecdsa = Buffer.concat([number(2, 0x18), number(2, 0xb)]);
    expect(attestedKey({ key: rsaKey, area: { scheme: rsassa, exponent: 65_537 } })).toEqual(
      Buffer.from(spkiOf(rsaKey)),
    );
    expect(attestedKey({ area: { scheme: ecdsa, nameHash: 'sha384' } })).toEqual(
      Buffer.from(spkiOf(deviceKey.publicKey)),
    );
  });

  it('is refused for another key authorization than it was made for', () => {
    expect(refusal(tpmAttestation(keyAuthorization), `${keyAuthorization}x`)).toMatch(
      /^badAttestationStatement: extraData/,
    );
  });

  it.each<[string, TpmOptions, RegExp]>([
    ['no TPM has written', { attest: { magic: 0xff544346 } }, /TPM_GENERATED_VALUE/],
    ['is a quote', { attest: { type: 0x8018 } }, /is no certification/],
    ['is about another key', { attest: { name: nameOf(Buffer.from('other')) } }, /another key than that of pubArea/],
    ['names the key with another hash', { attest: { name: Buffer.alloc(0) } }, /another key than that of pubArea/],
    ['has no key authorization', { attest: { extraData: Buffer.alloc(0) } }, /extraData/],
    ['has trailing bytes', { certInfo: (info) => Buffer.concat([info, Buffer.of(0)]) }, /certInfo has trailing bytes/],
    ['is truncated', { certInfo: (info) => info.subarray(0, -1) }, /certInfo is truncated/],
    ['is empty', { certInfo: () => Buffer.alloc(0) }, /certInfo is truncated/],
  ])('is refused with a certInfo that %s', (_, options, words) => {
    expect(refused(options)).toMatch(words);
  });

  it.each<[string, number, RegExp]>([
    ['fixedTPM', attributes.fixedTpm, /may leave its TPM/],
    ['fixedParent', attributes.fixedParent, /may leave its TPM/],
    ['sensitiveDataOrigin', attributes.sensitiveDataOrigin, /not made by its TPM/],
    ['sign', attributes.sign, /does not sign/],
  ])('is refused of a key without the attribute %s', (_, attribute, words) => {
    expect(refused({ area: { attributes: heldSigningKey & ~attribute } })).toMatch(words);
  });

  it('is refused of a restricted key, which cannot sign a request', () => {
    expect(refused({ area: { attributes: heldSigningKey | attributes.restricted } })).toMatch(/restricted/);
  });

  it.each<[string, TpmOptions, RegExp]>([
    ['has a name by SHA-1', { area: { nameHash: 'sha1' } }, /another hash than SHA-256/],
    ['wraps others', { area: { symmetric: Buffer.from('000600800043', 'hex') } }, /symmetric algorithm/],
    ['decrypts only', { key: rsaKey, area: { scheme: Buffer.from('0017000b', 'hex') } }, /scheme that is not taken/],
    ['agrees on secrets', { area: { scheme: Buffer.from('0019000b', 'hex') } }, /scheme that is not taken/],
    ['derives others', { area: { derivation: Buffer.from('0020000b', 'hex') } }, /key derivation/],
    ['is of another curve', { key: ecKey('secp256k1') }, /another curve/],
    ['is a secret', { pubArea: (area) => Buffer.concat([number(2, 8), area.subarray(2)]) }, /neither RSA nor ECC/],
    ['is not on its curve', { pubArea: (area) => flipped(area, area.length - 1) }, /not a valid ec public key/],
    ['is even', { key: rsaKey, pubArea: (area) => flipped(area, area.length - 1) }, /RSA modulus even/],
    ['says another size', { key: rsaKey, area: { keyBits: 3072 } }, /another length/],
    ['has trailing bytes', { pubArea: (area) => Buffer.concat([area, Buffer.of(0)]) }, /pubArea has trailing bytes/],
    ['is truncated', { pubArea: (area) => area.subarray(0, -1) }, /pubArea is truncated/],
    ['has a point too large', { pubArea: (area) => largePoint(area) }, /point that its curve has no room for/],
  ])('is refused of a key that %s', (_, options, words) => {
    expect(refused(options)).toMatch(words);
  });

  it.each<[string, TpmOptions, RegExp]>([
    ['is of other octets', { sig: (sig) => flipped(sig, sig.length - 1) }, /no signature of certInfo/],
    ['is by another key', { certificate: { key: 'other key' } }, /no signature of certInfo/],
    ['is by a key of another kind', { alg: -7, certificate: { key: 'rsa other key' }, isPlain: true }, /sig is/],
    [
      'says another hash',
      { sig: (sig) => Buffer.concat([sig.subarray(0, 2), number(2, 0xc), sig.subarray(4)]) },
      /alg says/,
    ],
    ['says SHA-1', { sig: (sig) => Buffer.concat([sig.subarray(0, 2), number(2, 4), sig.subarray(4)]) }, /alg says/],
    ['says another scheme', { alg: -257, sig: (sig) => Buffer.concat([number(2, 0x16), sig.subarray(2)]) }, /alg says/],
    ['is an HMAC', { sig: () => Buffer.concat([number(2, 5), number(2, 0xb), Buffer.alloc(32)]) }, /alg says/],
    ['has trailing bytes', { sig: (sig) => Buffer.concat([sig, Buffer.of(0)]) }, /sig has trailing bytes/],
    ['is empty', { sig: () => Buffer.alloc(0) }, /sig is truncated/],
    [
      'is of zeros',
      { sig: (sig) => Buffer.concat([sig.subarray(0, 4), sized(Buffer.of(0)), sized(Buffer.of(0))]) },
      /no signature/,
    ],
  ])('is refused with a signature that %s', (_, options, words) => {
    expect(refused(options)).toMatch(words);
  });

  it('is refused where alg is PKCS #1 and the signature is PSS, the other way round, and where alg is ECDSA and the key RSA', () => {
    const pss = tpmAttestation(keyAuthorization, { alg: -37, isPlain: true, statement: { alg: -257 } });
    const pkcs1 = tpmAttestation(keyAuthorization, { alg: -257, isPlain: true, statement: { alg: -37 } });
    const asEcdsa = tpmAttestation(keyAuthorization, { alg: -257, isPlain: true, statement: { alg: -7 } });
    for (const each of [pss, pkcs1, asEcdsa]) expect(refusal(each)).toMatch(/no signature of certInfo/);
  });

  it.each([
    ['RS1', -65_535],
    ['ES256K', -47],
    ['HS256', 5],
    ['a text', 'ES256'],
    ['nothing', undefined],
  ])('is refused with %s as alg', (_, alg) => {
    expect(refused({ statement: { alg } })).toMatch(/algorithm that is not taken/);
  });

  it.each<[string, TpmOptions, RegExp]>([
    ['is a CA', certificate(basicConstraints(true)), /that of a CA/],
    ['has no extended key usage', { certificate: { extensions: [] } }, /no extended key usage 2\.23\.133\.8\.3/],
    ['is that of an endorsement key', certificate(extendedKeyUsage('2.23.133.8.1')), /no extended key usage/],
    ['is that of a client', certificate(extendedKeyUsage('1.3.6.1.5.5.7.3.2')), /no extended key usage/],
    ['may be used for all', certificate(extendedKeyUsage('2.5.29.37.0')), /no extended key usage/],
    ['may not sign', certificate(extendedKeyUsage(aikPurpose), keyUsage('cRLSign')), /without digitalSignature/],
    ['is of version 1', { certificate: { version: 1, extensions: [] } }, /version 3/],
    ['has a short RSA key', { alg: -257, signer: 'rsa1024 attestation key' }, /less than 2048 bits/],
    [
      'has extensions that cannot be read',
      certificate({ id: '2.5.29.37', critical: false, value: Buffer.of(5, 0) }),
      /cannot be read/,
    ],
  ])('is refused with a certificate that %s', (_, options, words) => {
    expect(refused(options)).toMatch(words);
  });

  it.each(['sig', 'certInfo', 'pubArea'])('is refused without %s, and with a text in its place', (name) => {
    const words = `badAttestationStatement: the attestation statement has no ${name}, which is a byte string`;
    expect(refused({ statement: { [name]: undefined } })).toBe(words);
    expect(refused({ statement: { [name]: 'text' } })).toBe(words);
  });

  it.each([['1.2'], [2], [undefined]])('is refused of a TPM of version %p', (ver) => {
    expect(refused({ statement: { ver } })).toMatch(/not of a TPM 2\.0/);
  });
});

function certificate(...extensions: NonNullable<TpmOptions['certificate']>['extensions'] & object): TpmOptions {
  return { certificate: { extensions } };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((octet, i) => (i === at ? octet ^ 1 : octet));
}

/** With an octet more in front of y, the last of its values. */
function largePoint(area: Uint8Array): Uint8Array {
  const y = area.subarray(-32);
  return Buffer.concat([area.subarray(0, -34), sized(Buffer.concat([Buffer.of(0), y]))]);
}
