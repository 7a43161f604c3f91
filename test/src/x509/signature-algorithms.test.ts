import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { DerError } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import * as oids from '../../../src/x509/oids.js';
import {
  decodeSignatureAlgorithm,
  type SignatureAlgorithm,
  signatureAlgorithmFor,
  UnsupportedAlgorithmError,
  verifySignature,
} from '../../../src/x509/signature-algorithms.js';
import { damaged } from './fixture.js';

const data = Buffer.from('what is signed');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed25519 = generateKeyPairSync('ed25519');
const ed448 = generateKeyPairSync('ed448');
const hashes = ['sha1', 'sha256', 'sha384', 'sha512'] as const;
const hash = (id: string) => w.sequence(w.oid(id), w.nullValue);
const mgf1 = (id: string) => w.sequence(w.oid(oids.idMgf1), hash(id));
const pss = (...parameters: Uint8Array[]) => w.sequence(w.oid(oids.idRsassaPss), w.sequence(...parameters));
const pss256 = pss(
  w.explicit(0, hash(oids.idSha256)),
  w.explicit(1, mgf1(oids.idSha256)),
  w.explicit(2, w.smallInteger(32)),
);

describe('signature algorithms', () => {
  it.each(hashes)('verifies PKCS #1 v1.5 and ECDSA with %s', (name) => {
    for (const [key, pair] of [
      ['rsa', rsa],
      ['ec', ec],
    ] as const) {
      const algorithm = signatureAlgorithmFor(key, name);
      expect(decodeSignatureAlgorithm(algorithm.identifier)).toBe(algorithm);
      const signature = sign(name, data, pair.privateKey);
      expect(verifySignature(algorithm, pair.publicKey, data, signature)).toBe(true);
      expect(verifySignature(algorithm, pair.publicKey, Buffer.from('other'), signature)).toBe(false);
    }
  });

  it.each([...hashes])('names RSASSA-PSS with %s as RFC 4055 3.1 has it, the salt as long as the hash', (name) => {
    const algorithm = signatureAlgorithmFor('rsa', name, 'pss');
    expect(decodeSignatureAlgorithm(algorithm.identifier)).toEqual(algorithm);
    const signature = sign(name, data, {
      key: rsa.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });
    expect(verifySignature(algorithm, rsa.publicKey, data, signature)).toBe(true);
    expect(verifySignature(signatureAlgorithmFor('rsa', name), rsa.publicKey, data, signature)).toBe(false);
    expect(signatureAlgorithmFor('ec', name, 'pss')).toBe(signatureAlgorithmFor('ec', name));
  });

  it('verifies Ed25519 and Ed448', () => {
    for (const [key, pair] of [
      ['ed25519', ed25519],
      ['ed448', ed448],
    ] as const) {
      const algorithm = signatureAlgorithmFor(key, 'sha256');
      expect(algorithm.hash).toBeUndefined();
      expect(verifySignature(algorithm, pair.publicKey, data, sign(null, data, pair.privateKey))).toBe(true);
    }
  });

  it('verifies RSASSA-PSS with the salt length of its parameters (RFC 4055 3.1)', () => {
    const algorithm = decodeSignatureAlgorithm(pss256);
    expect(algorithm).toMatchObject({ name: 'rsa-pss-sha256', key: 'rsa', hash: 'sha256', pss: { saltLength: 32 } });
    for (const { publicKey, privateKey } of [rsa, rsaPss]) {
      const signed = (saltLength: number) =>
        sign('sha256', data, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
      expect(verifySignature(algorithm, publicKey, data, signed(32))).toBe(true);
      expect(verifySignature(algorithm, publicKey, data, signed(20))).toBe(false);
    }
  });

  it('takes the defaults of RSASSA-PSS-params', () => {
    expect(decodeSignatureAlgorithm(pss())).toMatchObject({ hash: 'sha1', pss: { saltLength: 20 } });
  });

  it('takes RSA without NULL (RFC 4055 5)', () => {
    expect(decodeSignatureAlgorithm(w.sequence(w.oid(oids.sha256WithRsaEncryption))).name).toBe('rsa-sha256');
  });

  it.each<[string, Uint8Array]>([
    ['MD5 with RSA', w.sequence(w.oid('1.2.840.113549.1.1.4'), w.nullValue)],
    ['ECDSA with parameters', w.sequence(w.oid(oids.ecdsaWithSha256), w.nullValue)],
    ['RSASSA-PSS without parameters', w.sequence(w.oid(oids.idRsassaPss))],
    ['RSASSA-PSS with two hashes', pss(w.explicit(0, hash(oids.idSha256)))],
    ['RSASSA-PSS with another mask', pss(w.explicit(1, hash(oids.idSha1)))],
    ['RSASSA-PSS with another trailer', pss(w.explicit(3, w.smallInteger(2)))],
    ['RSASSA-PSS with a giant salt', pss(w.explicit(2, w.smallInteger(1e9)))],
  ])('does not handle %s', (_, identifier) => {
    expect(() => decodeSignatureAlgorithm(identifier)).toThrow(UnsupportedAlgorithmError);
  });

  it.each(damaged(pss256))('refuses an identifier that is %s', (_, der) => {
    expect(() => decodeSignatureAlgorithm(der)).toThrow(DerError);
  });

  it('answers false to garbage and to keys of another kind', () => {
    const algorithms: SignatureAlgorithm[] = [
      signatureAlgorithmFor('rsa', 'sha256'),
      decodeSignatureAlgorithm(pss256),
      signatureAlgorithmFor('ec', 'sha256'),
      signatureAlgorithmFor('ed25519', 'sha256'),
      signatureAlgorithmFor('ed448', 'sha256'),
    ];
    const signatures = [
      new Uint8Array(),
      new Uint8Array(64),
      new Uint8Array(5000),
      w.sequence(w.smallInteger(0), w.smallInteger(0)),
    ];
    for (const algorithm of algorithms)
      for (const { publicKey } of [rsa, rsaPss, ec, ed25519, ed448])
        for (const signature of signatures) expect(verifySignature(algorithm, publicKey, data, signature)).toBe(false);
  });

  it('does not take a PSS key for PKCS #1 v1.5', () => {
    const key = rsaPss.publicKey;
    const signature = sign('sha256', data, rsaPss.privateKey);
    expect(verifySignature(signatureAlgorithmFor('rsa', 'sha256'), key, data, signature)).toBe(false);
  });
});
