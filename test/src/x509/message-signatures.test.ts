import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { messageSignatureNames } from '../../../src/model/message-protection.js';
import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import {
  decodeMessageSignatureAlgorithm,
  messageDigests,
  messageSignatureFor,
  signMessage,
  verifySignedMessage,
} from '../../../src/x509/message-signatures.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { signEcdsaShake, signPssShake, verifyEcdsaShake, verifyPssShake } from '../../support/cmp/shake-signatures.js';
import { createOpenSsl, type OpenSsl } from '../cms/openssl.js';
import { damaged } from './fixture.js';
import { shakeSignatures } from './shake-signature-vectors.js';

const data = Buffer.from('what is signed');
const digests = [
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'sha3-224',
  'sha3-256',
  'sha3-384',
  'sha3-512',
] as const;
const shakes = ['shake128', 'shake256'] as const;
const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ed25519: generateKeyPairSync('ed25519'),
  ed448: generateKeyPairSync('ed448'),
};
const curves = ['P-256', 'P-384', 'P-521'].map(
  (namedCurve) => [namedCurve, generateKeyPairSync('ec', { namedCurve })] as const,
);

// Of P-256.
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

// In the order of `digests`.
const rsaIds = [5, 14, 11, 12, 13].map((last) => `1.2.840.113549.1.1.${last}`);
const ecdsaIds = ['1.2.840.10045.4.1', ...[1, 2, 3, 4].map((last) => `1.2.840.10045.4.3.${last}`)];
const sha3Id = '2.16.840.1.101.3.4.3';
rsaIds.push(...[13, 14, 15, 16].map((last) => `${sha3Id}.${last}`));
ecdsaIds.push(...[9, 10, 11, 12].map((last) => `${sha3Id}.${last}`));
const digestIds = ['1.3.14.3.2.26', ...[4, 1, 2, 3, 7, 8, 9, 10].map((last) => `2.16.840.1.101.3.4.2.${last}`)];

const rsaIdentifier = (i: number) => w.sequence(w.oid(rsaIds[i] ?? ''), w.nullValue);
const ecdsaIdentifier = (i: number) => w.sequence(w.oid(ecdsaIds[i] ?? ''));
const bare = (id: string) => w.sequence(w.oid(id));
function pssIdentifier(i: number, saltLength: number, hasNull = true): Uint8Array {
  const hash = w.sequence(w.oid(digestIds[i] ?? ''), hasNull ? w.nullValue : undefined);
  const mask = w.sequence(w.oid('1.2.840.113549.1.1.8'), hash);
  const parameters = [w.explicit(0, hash), w.explicit(1, mask), w.explicit(2, w.smallInteger(saltLength))];
  return w.sequence(w.oid('1.2.840.113549.1.1.10'), w.sequence(...parameters));
}
const shakeId = (kind: 'rsa' | 'ec', shake: (typeof shakes)[number]) =>
  bare(`1.3.6.1.5.5.7.6.${30 + (kind === 'ec' ? 2 : 0) + (shake === 'shake256' ? 1 : 0)}`);

function isGood(identifier: Uint8Array, key: KeyObject, signature: Uint8Array, signed: Uint8Array = data): boolean {
  return verifySignedMessage(decodeMessageSignatureAlgorithm(identifier), key, signed, signature);
}

function expectOnlyGood(identifier: Uint8Array, key: KeyObject, signature: Uint8Array): void {
  expect(isGood(identifier, key, signature)).toBe(true);
  expect(isGood(identifier, key, signature, Buffer.from('what is not'))).toBe(false);
  const corrupted = Uint8Array.from(signature);
  corrupted[corrupted.length - 1] = (corrupted.at(-1) ?? 0) ^ 1;
  expect(isGood(identifier, key, corrupted)).toBe(false);
}

describe('signatures of messages (RFC 9481 3)', () => {
  let openssl: OpenSsl;
  beforeAll(() => {
    openssl = createOpenSsl();
    openssl.write('data', data);
    for (const [name, { privateKey }] of Object.entries(pairs)) {
      openssl.write(`${name}.key`, Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' })));
    }
  });
  afterAll(() => openssl.remove());

  const signedBy = (key: string, digest: string, ...options: string[]) =>
    openssl.run('dgst', `-${digest}`, '-sign', `${key}.key`, ...options, 'data');

  it.each(digests.map((digest, i) => [digest, i] as const))(
    'verifies RSA PKCS #1 v1.5 with %s of openssl',
    (digest, i) => {
      expect(decodeMessageSignatureAlgorithm(rsaIdentifier(i))).toMatchObject({ name: `rsa-${digest}`, hash: digest });
      expectOnlyGood(rsaIdentifier(i), pairs.rsa.publicKey, signedBy('rsa', digest));
    },
  );

  it.each(digests.map((digest, i) => [digest, i] as const))('verifies RSASSA-PSS with %s of openssl', (digest, i) => {
    const identifier = pssIdentifier(i, 24);
    const options = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:24'];
    expect(decodeMessageSignatureAlgorithm(identifier)).toMatchObject({ name: `rsa-pss-${digest}`, hash: digest });
    const signature = signedBy('rsa', digest, ...options);
    expectOnlyGood(identifier, pairs.rsa.publicKey, signature);
    expect(isGood(pssIdentifier(i, 20), pairs.rsa.publicKey, signature)).toBe(false);
  });

  it.each(digests.map((digest, i) => [digest, i] as const))('verifies ECDSA with %s of openssl', (digest, i) => {
    expect(decodeMessageSignatureAlgorithm(ecdsaIdentifier(i))).toMatchObject({
      name: `ecdsa-${digest}`,
      hash: digest,
    });
    expectOnlyGood(ecdsaIdentifier(i), pairs.ec.publicKey, signedBy('ec', digest));
  });

  it.each(['ed25519', 'ed448'] as const)('verifies %s of openssl', (name) => {
    const identifier = bare(name === 'ed25519' ? '1.3.101.112' : '1.3.101.113');
    expect(decodeMessageSignatureAlgorithm(identifier).name).toBe(name);
    const signature = openssl.run('pkeyutl', '-sign', '-rawin', '-inkey', `${name}.key`, '-in', 'data');
    expectOnlyGood(identifier, pairs[name].publicKey, signature);
  });

  it.each(shakeSignatures.map((vector) => [vector.name, vector] as const))(
    "verifies %s of another library (RFC 8692: SHAKE's own output is the mask, digests of 32 and 64 octets)",
    (name, { publicKey, signature }) => {
      const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
      const shake = name.endsWith('128') ? 'shake128' : 'shake256';
      const identifier = shakeId(name.startsWith('rsa') ? 'rsa' : 'ec', shake);
      expect(decodeMessageSignatureAlgorithm(identifier).name).toBe(name);
      expectOnlyGood(identifier, key, Buffer.from(signature, 'base64'));
    },
  );

  it.each(shakes)('verifies and makes RSASSA-PSS with %s for moduli of every rest by 8', async (shake) => {
    for (const modulusLength of [1536, 1537, 1542, 1543]) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
      const identifier = shakeId('rsa', shake);
      expectOnlyGood(identifier, publicKey, signPssShake(shake, privateKey, data));
      const made = await signMessage(decodeMessageSignatureAlgorithm(identifier), privateKey, data);
      expect(verifyPssShake(shake, publicKey, data, made)).toBe(true);
    }
  });

  it.each(shakes)('verifies and makes ECDSA with %s on all curves', async (shake) => {
    for (const [, { publicKey, privateKey }] of curves) {
      const identifier = shakeId('ec', shake);
      expectOnlyGood(identifier, publicKey, signEcdsaShake(shake, privateKey, data));
      const made = await signMessage(decodeMessageSignatureAlgorithm(identifier), privateKey, data);
      expect(verifyEcdsaShake(shake, publicKey, data, made)).toBe(true);
    }
  });

  it('takes both values of s in ECDSA with SHAKE, as OpenSSL does without', () => {
    const { publicKey, privateKey } = pairs.ec;
    const signature = signEcdsaShake('shake256', privateKey, data);
    const [r, s] = DerReader.decode(signature, (reader) => reader.each(Tag.sequence, (n) => n.unsignedInteger()));
    const other = order - BigInt(`0x${Buffer.from(s ?? []).toString('hex')}`);
    const otherOctets = Buffer.from(other.toString(16).padStart(64, '0'), 'hex');
    const twin = w.sequence(w.unsignedInteger(r ?? new Uint8Array()), w.unsignedInteger(otherOctets));
    for (const each of [signature, twin]) expect(isGood(shakeId('ec', 'shake256'), publicKey, each)).toBe(true);
  });

  it('signs with every other algorithm, too', async () => {
    for (const i of digests.keys()) {
      for (const [identifier, kind] of [
        [rsaIdentifier(i), 'rsa'],
        [pssIdentifier(i, 32), 'rsa'],
        [ecdsaIdentifier(i), 'ec'],
      ] as const) {
        const { publicKey, privateKey } = pairs[kind];
        const signature = await signMessage(decodeMessageSignatureAlgorithm(identifier), privateKey, data);
        expect(isGood(identifier, publicKey, signature)).toBe(true);
      }
    }
  });

  it('cannot sign with a key that is too short for SHAKE256', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const algorithm = decodeMessageSignatureAlgorithm(shakeId('rsa', 'shake256'));
    await expect(signMessage(algorithm, privateKey, data)).rejects.toThrow(RangeError);
  });

  it('has an identifier for each kind of key and digest to sign with, as others write it', () => {
    for (const [i, digest] of digests.entries()) {
      if (digest === 'sha1') continue;
      const length = Number(digest.slice(-3)) / 8;
      expect(messageSignatureFor('rsa', digest, false)?.identifier).toEqual(rsaIdentifier(i));
      expect(messageSignatureFor('ec', digest, true)?.identifier).toEqual(ecdsaIdentifier(i));
      const pss = messageSignatureFor('rsa', digest, true);
      expect(pss?.identifier).toEqual(pssIdentifier(i, length, !digest.startsWith('sha3-')));
      expect(pss).toEqual(decodeMessageSignatureAlgorithm(pss?.identifier ?? new Uint8Array()));
    }
    for (const shake of shakes) {
      expect(messageSignatureFor('rsa', shake, false)).toBeUndefined();
      expect(messageSignatureFor('rsa', shake, true)?.identifier).toEqual(shakeId('rsa', shake));
      expect(messageSignatureFor('ec', shake, false)?.identifier).toEqual(shakeId('ec', shake));
    }
    expect(messageSignatureFor('ed25519', 'sha3-256', true)?.identifier).toEqual(bare('1.3.101.112'));
    expect(messageSignatureFor('ed448', 'shake256', false)?.identifier).toEqual(bare('1.3.101.113'));
  });

  it('has a name for each, and no other names', () => {
    const identifiers = digests.flatMap((_, i) => [rsaIdentifier(i), pssIdentifier(i, 32), ecdsaIdentifier(i)]);
    for (const shake of shakes) identifiers.push(shakeId('rsa', shake), shakeId('ec', shake));
    identifiers.push(bare('1.3.101.112'), bare('1.3.101.113'));
    const names = identifiers.map((identifier) => decodeMessageSignatureAlgorithm(identifier).name);
    expect(names.toSorted()).toEqual(messageSignatureNames.toSorted());
  });

  it('leaves certificates and requests for them to SHA-1 and the usual SHA-2', () => {
    for (const [i, digest] of digests.entries()) {
      if (['sha1', 'sha256', 'sha384', 'sha512'].includes(digest)) continue;
      for (const identifier of [rsaIdentifier(i), pssIdentifier(i, 32), ecdsaIdentifier(i)]) {
        expect(() => decodeSignatureAlgorithm(identifier)).toThrow(UnsupportedAlgorithmError);
      }
    }
    for (const shake of shakes) {
      for (const kind of ['rsa', 'ec'] as const) {
        expect(() => decodeSignatureAlgorithm(shakeId(kind, shake))).toThrow(UnsupportedAlgorithmError);
      }
    }
  });

  it('takes RSA without NULL (RFC 4055 5), and nothing else with it', () => {
    for (const id of rsaIds) expect(decodeMessageSignatureAlgorithm(bare(id)).key).toBe('rsa');
    for (const id of [...ecdsaIds, '1.3.6.1.5.5.7.6.30', '1.3.6.1.5.5.7.6.33', '1.3.101.112']) {
      const identifier = w.sequence(w.oid(id), w.nullValue);
      expect(() => decodeMessageSignatureAlgorithm(identifier)).toThrow(UnsupportedAlgorithmError);
    }
  });

  it.each<[string, Uint8Array]>([
    ['MD5 with RSA', w.sequence(w.oid('1.2.840.113549.1.1.4'), w.nullValue)],
    ['DSA with SHA-256', bare('2.16.840.1.101.3.4.3.2')],
    ['ML-DSA-65', bare('2.16.840.1.101.3.4.3.18')],
    [
      'RSASSA-PSS with SHAKE128 in its parameters',
      w.sequence(w.oid('1.2.840.113549.1.1.10'), w.sequence(w.explicit(0, bare('2.16.840.1.101.3.4.2.11')))),
    ],
  ])('does not know %s', (_, identifier) => {
    expect(() => decodeMessageSignatureAlgorithm(identifier)).toThrow(UnsupportedAlgorithmError);
  });

  it.each(damaged(rsaIdentifier(6)))('refuses an identifier that is %s', (_, der) => {
    expect(() => decodeMessageSignatureAlgorithm(der)).toThrow(DerError);
  });

  it('answers false to garbage and to keys of another kind', () => {
    const identifiers = [
      rsaIdentifier(6),
      ecdsaIdentifier(6),
      ...shakes.flatMap((s) => [shakeId('rsa', s), shakeId('ec', s)]),
    ];
    const keys = [
      ...Object.values(pairs).map(({ publicKey }) => publicKey),
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
      generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
    ];
    const zero = w.sequence(w.smallInteger(0), w.smallInteger(0));
    const signatures = [
      new Uint8Array(),
      new Uint8Array(256),
      new Uint8Array(256).fill(255),
      new Uint8Array(5000),
      zero,
    ];
    for (const identifier of identifiers)
      for (const key of keys)
        for (const signature of signatures) expect(isGood(identifier, key, signature)).toBe(false);
  });

  it('throws nothing but its two errors for random identifiers, and takes no random signature', () => {
    const ids = [...rsaIds, ...ecdsaIds, '1.2.840.113549.1.1.10', '1.3.6.1.5.5.7.6.31', '1.2.3'];
    fc.assert(
      fc.property(fc.constantFrom(...ids), fc.uint8Array({ maxLength: 40 }), (id, parameters) => {
        try {
          decodeMessageSignatureAlgorithm(w.sequence(w.oid(id), parameters));
        } catch (error) {
          expect(error instanceof DerError || error instanceof UnsupportedAlgorithmError).toBe(true);
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (signature) => {
        expect(isGood(shakeId('rsa', 'shake128'), pairs.rsa.publicKey, signature)).toBe(false);
        expect(isGood(shakeId('ec', 'shake128'), pairs.ec.publicKey, signature)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('knows the digests that PasswordBasedMac may have', () => {
    expect(digestIds.map((id) => messageDigests.get(id))).toEqual([...digests]);
    expect(messageDigests.size).toBe(digests.length);
  });
});
