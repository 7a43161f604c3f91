import { createHash, ECDH, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { DerError } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import * as oids from '../../../src/x509/oids.js';
import {
  describePublicKey,
  importPublicKey,
  keyFingerprint,
  subjectKeyIdentifier,
  UnsupportedKeyError,
} from '../../../src/x509/public-key.js';
import { damaged } from './fixture.js';

const spkiOf = (key: KeyObject) => Uint8Array.from(key.export({ format: 'der', type: 'spki' }));
const p256 = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
const rsa = spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
const ecSpki = (point: Uint8Array, curve: Uint8Array | undefined = w.oid(oids.secp256r1)) =>
  w.sequence(w.sequence(w.oid(oids.idEcPublicKey), curve), w.bitString(point));
const rsaSpki = (modulus: Uint8Array, exponent: Uint8Array, parameters: Uint8Array | undefined = w.nullValue) =>
  w.sequence(
    w.sequence(w.oid(oids.rsaEncryption), parameters),
    w.bitString(w.sequence(w.unsignedInteger(modulus), w.unsignedInteger(exponent))),
  );
const pointOf = (spki: Uint8Array) => {
  const key = describePublicKey(spki);
  if (key.algorithm === 'rsa') throw new Error('no point');
  return key.point;
};
const compressed = (spki: Uint8Array) => {
  const point = ECDH.convertKey(pointOf(spki), 'prime256v1', undefined, undefined, 'compressed');
  return ecSpki(typeof point === 'string' ? Buffer.from(point) : point);
};

describe('SubjectPublicKeyInfo', () => {
  it.each(['P-256', 'P-384', 'P-521'])('reads and imports %s (RFC 5480)', (namedCurve) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve });
    const spki = spkiOf(publicKey);
    expect(describePublicKey(spki)).toMatchObject({ algorithm: 'ec', curve: namedCurve });
    expect(importPublicKey(spki).equals(publicKey)).toBe(true);
  });

  it.each([
    ['x25519', () => generateKeyPairSync('x25519')],
    ['x448', () => generateKeyPairSync('x448')],
  ] as const)('reads and imports %s, which signs nothing (RFC 8410)', (algorithm, makeKey) => {
    const { publicKey } = makeKey();
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    expect(describePublicKey(spki)).toMatchObject({ algorithm });
    expect(importPublicKey(spki).equals(publicKey)).toBe(true);
  });

  it.each(['ed25519', 'ed448'] as const)('reads and imports %s (RFC 8410)', (type) => {
    const { publicKey } = type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ed448');
    expect(describePublicKey(spkiOf(publicKey)).algorithm).toBe(type);
    expect(importPublicKey(spkiOf(publicKey)).equals(publicKey)).toBe(true);
  });

  it('reads RSA and counts its bits exactly', () => {
    expect(describePublicKey(rsa)).toMatchObject({ algorithm: 'rsa', bits: 2048, exponent: Uint8Array.of(1, 0, 1) });
    expect(importPublicKey(rsa).asymmetricKeyDetails?.modulusLength).toBe(2048);
    const odd = new Uint8Array(256).fill(0xff);
    odd[0] = 0x01;
    expect(describePublicKey(rsaSpki(odd, Uint8Array.of(3)))).toMatchObject({ bits: 2041 });
  });

  it('reads RSASSA-PSS keys as such (RFC 4055)', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    expect(describePublicKey(spkiOf(publicKey))).toMatchObject({ algorithm: 'rsa', bits: 2048, pss: true });
    expect(importPublicKey(spkiOf(publicKey)).asymmetricKeyType).toBe('rsa-pss');
  });

  it('tolerates rsaEncryption without parameters', () => {
    const key = describePublicKey(rsa);
    if (key.algorithm !== 'rsa') throw new Error('RSA expected');
    const withoutNull = w.sequence(
      w.sequence(w.oid(oids.rsaEncryption)),
      w.bitString(w.sequence(w.unsignedInteger(key.modulus), w.unsignedInteger(key.exponent))),
    );
    expect(describePublicKey(withoutNull)).toEqual(key);
    expect(importPublicKey(withoutNull).asymmetricKeyType).toBe('rsa');
    expect(keyFingerprint(withoutNull)).toBe(keyFingerprint(rsa));
  });

  it('accepts compressed points, and knows the key again by its fingerprint', () => {
    expect(importPublicKey(compressed(p256)).equals(importPublicKey(p256))).toBe(true);
    expect(keyFingerprint(compressed(p256))).toBe(keyFingerprint(p256));
    expect(keyFingerprint(p256)).toBe(createHash('sha256').update(p256).digest('hex'));
  });

  it.each<[string, Uint8Array]>([
    ['an even RSA modulus', rsaSpki(Uint8Array.of(0x80, 0), Uint8Array.of(1, 0, 1))],
    ['an RSA modulus of 0', rsaSpki(Uint8Array.of(0), Uint8Array.of(1, 0, 1))],
    ['an RSA modulus of 16392 bits', rsaSpki(new Uint8Array(2049).fill(0xff), Uint8Array.of(1, 0, 1))],
    ['an RSA exponent of 33 octets', rsaSpki(new Uint8Array(256).fill(0xff), new Uint8Array(33).fill(1))],
    ['rsaEncryption with other parameters', rsaSpki(Uint8Array.of(0x81), Uint8Array.of(3), w.sequence())],
    ['an unknown curve', ecSpki(pointOf(p256), w.oid('1.3.132.0.10'))],
    ['no curve', w.sequence(w.sequence(w.oid(oids.idEcPublicKey)), w.bitString(pointOf(p256)))],
    ['implicit parameters', ecSpki(pointOf(p256), w.nullValue)],
    ['explicit parameters', ecSpki(pointOf(p256), w.sequence(w.smallInteger(1)))],
    ['the identity', ecSpki(Uint8Array.of(0))],
    ['a hybrid point', ecSpki(Uint8Array.from([6, ...pointOf(p256).subarray(1)]))],
    ['a point of another size', ecSpki(pointOf(p256).subarray(0, 64))],
    [
      'Ed25519 with parameters',
      w.sequence(w.sequence(w.oid(oids.idEd25519), w.nullValue), w.bitString(new Uint8Array(32))),
    ],
    ['Ed25519 of 31 octets', w.sequence(w.sequence(w.oid(oids.idEd25519)), w.bitString(new Uint8Array(31)))],
    ['DSA', w.sequence(w.sequence(w.oid('1.2.840.10040.4.1')), w.bitString(Uint8Array.of(1)))],
  ])('does not handle %s', (_, spki) => {
    expect(() => describePublicKey(spki)).toThrow(UnsupportedKeyError);
    expect(() => importPublicKey(spki)).toThrow(UnsupportedKeyError);
  });

  it.each(damaged(p256))('refuses a key that is %s', (_, der) => {
    expect(() => describePublicKey(der)).toThrow(DerError);
  });

  it('refuses a negative RSA modulus', () => {
    const negative = w.sequence(w.tlv(2, Uint8Array.of(0x81)), w.smallInteger(3));
    const spki = w.sequence(w.sequence(w.oid(oids.rsaEncryption), w.nullValue), w.bitString(negative));
    expect(() => describePublicKey(spki)).toThrow(DerError);
  });

  it.each<[string, Uint8Array]>([
    ['off the curve', Uint8Array.from([4, ...new Uint8Array(63), 1])],
    ['of zeros', Uint8Array.from([4, ...new Uint8Array(64)])],
    ['beyond the field', Uint8Array.from([4, ...new Uint8Array(64).fill(0xff)])],
    ['compressed, without a square root', Uint8Array.from([2, ...new Uint8Array(31), 1])],
  ])('does not import a point %s', (_, point) => {
    expect(() => importPublicKey(ecSpki(point))).toThrow(UnsupportedKeyError);
  });

  it('derives the key identifier as RFC 5280 4.2.1.2 (1)', () => {
    expect(subjectKeyIdentifier(p256)).toEqual(Uint8Array.from(createHash('sha1').update(pointOf(p256)).digest()));
  });
});
