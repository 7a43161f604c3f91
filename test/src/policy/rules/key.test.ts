import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { bitString, nullValue, oid, sequence, unsignedInteger } from '../../../../src/x509/der-writer.js';
import { rsaEncryption } from '../../../../src/x509/oids.js';
import { keyFingerprint } from '../../../../src/x509/public-key.js';
import { type Case, decideCase, ecKey, expectDenied, known, name, otherEcKey, spki } from '../make-case.js';

const p521 = spki(generateKeyPairSync('ec', { namedCurve: 'P-521' }));
const k256 = spki(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }));
const ed25519 = spki(generateKeyPairSync('ed25519'));
const ed448 = spki(generateKeyPairSync('ed448'));
const { publicKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaKey = Uint8Array.from(rsa.export({ type: 'spki', format: 'der' }));
const rsaModulus = Buffer.from(rsa.export({ format: 'jwk' }).n ?? '', 'base64url');

function rsaOf(modulus: Uint8Array, exponent: number[] = [1, 0, 1]): Uint8Array {
  const key = sequence(unsignedInteger(modulus), unsignedInteger(Uint8Array.from(exponent)));
  return sequence(sequence(oid(rsaEncryption), nullValue), bitString(key));
}

function withKey(subjectPublicKeyInfo: Uint8Array, more: Case = {}): Case {
  return { ...more, requested: { subjectPublicKeyInfo } };
}

/** An odd number of 2048 bits that 3 divides. */
function divisible(): Uint8Array {
  const third = (1n << 2047n) / 3n + 1001n;
  return Buffer.from(((third | 1n) * 3n).toString(16).padStart(512, '0'), 'hex');
}

/** The square of a number without small factors: primes as close as they can be. */
function square(): Uint8Array {
  const root = (3n << 1022n) + 1n + (BigInt(`0x${rsaModulus.subarray(0, 100).toString('hex')}`) << 8n);
  let odd = root | 1n;
  while (primes.some((prime) => odd % prime === 0n)) odd += 2n;
  return Buffer.from((odd * odd).toString(16), 'hex');
}
const primes = Array.from({ length: 998 }, (_, i) => BigInt(i + 2));

describe('key rules', () => {
  it.each([
    ['EC P-256', ecKey, 'EC key on P-256'],
    ['RSA 2048', rsaKey, 'RSA key of 2048 bits'],
    ['Ed25519', ed25519, 'Ed25519 key'],
  ])('take %s within the template', (_, key, said) => {
    expect(decideCase(withKey(key))).toMatchObject({ outcome: 'approved' });
    expect(decideCase(withKey(key)).trace).toContainEqual({ rule: 'key', outcome: 'ok', said });
  });

  const bad: [string, Case, string][] = [
    ['a curve outside the template', withKey(p521), 'curve P-521 is not one of P-256, P-384'],
    ['a curve that nobody takes', withKey(k256), 'EC curve 1.3.132.0.10'],
    ['a type outside the template', withKey(ed448), 'Ed448 keys are not taken'],
    [
      'EC where the template has none',
      withKey(ecKey, { template: { keys: { ed25519: true } } }),
      'EC keys are not taken',
    ],
    [
      'RSA where the template has none',
      withKey(rsaKey, { template: { keys: { ed25519: true } } }),
      'RSA keys are not taken',
    ],
    [
      'short RSA',
      withKey(rsaKey, { template: { keys: { rsa: { minimumBits: 3072 } } } }),
      '2048 bits is too short; at least 3072',
    ],
    [
      'long RSA',
      withKey(rsaKey, { template: { keys: { rsa: { minimumBits: 1024, maximumBits: 1024 } } } }),
      'too long; 1024',
    ],
    ['RSA exponent 3', withKey(rsaOf(rsaModulus, [3])), 'exponent'],
    ['an even RSA exponent', withKey(rsaOf(rsaModulus, [1, 0, 2])), 'exponent'],
    ['an RSA modulus with a small factor', withKey(rsaOf(divisible())), 'small factor'],
    ['an RSA modulus of close primes', withKey(rsaOf(square())), 'too close'],
    ['an even RSA modulus', withKey(rsaOf(Buffer.concat([rsaModulus.subarray(0, 255), Buffer.of(2)]))), 'even'],
    [
      'a compromised key',
      { facts: { isCompromisedKey: (hash) => hash === keyFingerprint(ecKey) } },
      'known to be compromised',
    ],
    ['a key of another device', { facts: { sameKey: [{ ...known, deviceId: 'other' }] } }, 'another device or subject'],
    ['a known key for a new device', { isNewDevice: true, facts: { sameKey: [known] } }, 'another device or subject'],
    ['a key of the gateway itself', { facts: { sameKey: [serviceCertificate()] } }, 'another device or subject'],
    [
      'a key revoked as compromised',
      { facts: { sameKey: [{ ...known, status: 'revoked', revocationReason: 'keyCompromise' }] } },
      'because the key was compromised',
    ],
  ];
  it.each(bad)('refuse %s', (_, matter, fragment) => {
    expectDenied(decideCase(matter), 'unacceptable-key', fragment);
  });

  it('take a key that the device used before, in a certificate of any name', () => {
    const sameKey = [{ ...known, subject: name('CN=bootstrap'), usage: 'bootstrap' } as const];
    expect(decideCase({ facts: { sameKey } }).outcome).toBe('approved');
  });

  it('refuse a malformed key as malformed', () => {
    expectDenied(decideCase(withKey(otherEcKey.subarray(0, 40))), 'malformed-request', 'cannot be read');
  });
});

describe('request hash rule', () => {
  it.each([
    ...['sha224', 'sha256', 'sha384', 'sha512', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512', 'shake128', 'shake256'],
    undefined,
  ])('takes %s', (requestHash) => {
    const requested = requestHash === undefined ? {} : { requestHash };
    expect(decideCase({ requested }).outcome).toBe('approved');
  });

  it('takes SHA-1 only where the template names it', () => {
    expectDenied(
      decideCase({ requested: { requestHash: 'sha1' } }),
      'unsupported-algorithm',
      'requests signed with sha1 are not taken by template template; use sha256',
    );
    expect(decideCase({ requested: { requestHash: 'sha1' }, template: { requestHashes: ['sha1'] } }).outcome).toBe(
      'approved',
    );
  });

  it.each([
    [['sha3-512', 'sha384'] as const, 'taken by template template; use sha384'],
    [['shake256', 'sha3-512'] as const, 'taken by template template; use shake256'],
    [[] as const, 'taken by template template'],
  ])('takes none but those of %j, and says what to do: %s', (requestHashes, says) => {
    const template = { requestHashes: [...requestHashes] };
    const decision = decideCase({ requested: { requestHash: 'sha3-256' }, template });
    expectDenied(decision, 'unsupported-algorithm', `requests signed with sha3-256 are not ${says}`);
  });

  it('refuses a hash that it does not know', () => {
    expectDenied(decideCase({ requested: { requestHash: 'md5' } }), 'unsupported-algorithm', 'this hash');
  });
});

function serviceCertificate() {
  const { deviceId: _, ...rest } = known;
  return rest;
}
