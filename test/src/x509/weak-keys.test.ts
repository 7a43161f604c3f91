import { createPublicKey, generateKeyPairSync, generatePrimeSync, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeCertificationRequest } from '../../../src/x509/pkcs10.js';
import { describePublicKey } from '../../../src/x509/public-key.js';
import {
  findRsaWeakness,
  hasClosePrimes,
  hasRocaFingerprint,
  hasSmallFactor,
  isWeakEdwardsPoint,
  isWeakExponent,
} from '../../../src/x509/weak-keys.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { x509Fixture } from './fixture.js';

const bytes = (n: bigint) =>
  Uint8Array.from(Buffer.from(n.toString(16).padStart(2 * Math.ceil(n.toString(16).length / 2), '0'), 'hex'));
const usual = bytes(65537n);
const isPrimeTo = (n: bigint) => [3n, 5n, 7n, 11n, 13n].every((p) => n % p > 0n);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus];
  for (let e = exponent; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

const isProbablePrime = (n: bigint) => isPrimeTo(n) && power(2n, n - 1n, n) === 1n;

function nextPrime(from: bigint): bigint {
  let n = from | 1n;
  while (!isProbablePrime(n)) n += 2n;
  return n;
}

describe('weak RSA keys', () => {
  const fixture = describePublicKey(decodeCertificationRequest(x509Fixture('rsa-2048.csr.der')).subjectPublicKeyInfo);
  if (fixture.algorithm !== 'rsa') throw new Error('RSA fixture expected');

  it('finds nothing in a key of openssl, in less than 5 ms', async () => {
    const costs: number[] = [];
    for (let i = 0; i < 20; i++) {
      const find = () => expect(findRsaWeakness(fixture.modulus, fixture.exponent)).toBeUndefined();
      costs.push(await cpuTimeOf(find));
    }
    // The least: the first calls are not compiled yet, and memory is collected in between.
    expect(Math.min(...costs)).toBeLessThan(5);
  });

  it.each([1n, 3n, 17n, 65535n, 65538n, 0n])('finds the exponent %s weak', (exponent) => {
    expect(isWeakExponent(bytes(exponent))).toBe(true);
    expect(findRsaWeakness(fixture.modulus, bytes(exponent))).toBe('exponent');
  });

  it('takes 65537 and larger odd exponents', () => {
    expect([65537n, 65539n, 2n ** 64n + 1n].map((e) => isWeakExponent(bytes(e)))).toEqual([false, false, false]);
  });

  it('finds ROCA keys (CVE-2017-15361)', () => {
    let m = 1n;
    for (let n = 2n, found = 0; found < 39; n++)
      if (
        n < 4n ||
        (n % 2n > 0n && Array.from({ length: 14 }, (_, i) => BigInt(i + 3)).every((d) => d >= n || n % d > 0n))
      ) {
        m *= n;
        found++;
      }
    const prime = (a: bigint) => {
      let n = 2n ** 40n * m + power(65537n, a, m);
      while (!isProbablePrime(n)) n += m;
      return n;
    };
    const modulus = bytes(prime(1234567n) * prime(7654321n));
    expect(hasRocaFingerprint(modulus)).toBe(true);
    expect(findRsaWeakness(modulus, usual)).toBe('roca');
  });

  it('finds primes that are close to each other', () => {
    const p = generatePrimeSync(1024, { bigint: true });
    const q = nextPrime(p + 2n ** 100n);
    expect(hasClosePrimes(bytes(p * q))).toBe(true);
    expect(hasClosePrimes(bytes(p * p))).toBe(true);
    expect(findRsaWeakness(bytes(p * q), usual)).toBe('close-primes');
  });

  it('finds small factors', () => {
    const p = generatePrimeSync(1024, { bigint: true });
    expect(hasSmallFactor(bytes(p * 997n))).toBe(true);
    expect(hasSmallFactor(fixture.modulus)).toBe(false);
  });
});

describe('weak EdDSA keys', () => {
  const littleEndian = (n: bigint, octets: number) =>
    Uint8Array.from(Buffer.from(n.toString(16).padStart(2 * octets, '0'), 'hex').toReversed());
  const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
  const prime = { ed25519: 2n ** 255n - 19n, ed448: 2n ** 448n - 2n ** 224n - 1n };
  const octets = { ed25519: 32, ed448: 57 };

  it('are those that OpenSSL verifies anybody’s signature with', () => {
    const neutral = littleEndian(1n, 32);
    const x = Buffer.from(neutral).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, Buffer.from('anything'), key, Buffer.concat([neutral, Buffer.alloc(32)]))).toBe(true);
    expect(isWeakEdwardsPoint('ed25519', neutral)).toBe(true);
  });

  it.each(['ed25519', 'ed448'] as const)('are points of small order of %s, and what is beyond its prime', (curve) => {
    const p = prime[curve];
    for (const y of [0n, 1n, p - 1n, p, p + 1n]) {
      const point = littleEndian(y, octets[curve]);
      expect(isWeakEdwardsPoint(curve, point)).toBe(true);
      // The sign of x.
      point[octets[curve] - 1] = (point[octets[curve] - 1] ?? 0) | 0x80;
      expect(isWeakEdwardsPoint(curve, point)).toBe(true);
    }
  });

  it.each([
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ])('are points of order 8: %s', (point) => {
    expect(isWeakEdwardsPoint('ed25519', hex(point))).toBe(true);
  });

  it.each(['ed25519', 'ed448'] as const)('are none that were made as they should be: %s', (curve) => {
    for (let i = 0; i < 20; i++) {
      const { publicKey } = curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ed448');
      const { x = '' } = publicKey.export({ format: 'jwk' });
      expect(isWeakEdwardsPoint(curve, Uint8Array.from(Buffer.from(x, 'base64url')))).toBe(false);
    }
  });
});
