/** Key pairs that nobody should have, with private keys, so that they can sign requests. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import type { KeyPair } from './make-csr.js';

export function shortRsaKey(): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 1024 });
}

export function smallExponentKey(): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
}

/** CVE-2017-15361: both primes are powers of 65537 modulo the product of the first primes. */
export function rocaKey(): KeyPair {
  const product = primesUpTo(167).reduce((all, prime) => all * BigInt(prime), 1n);
  return rsaKeyOf(() => generatePrimeSync(1024, { add: product, rem: exponent, bigint: true }));
}

/** CVE-2022-26320: Fermat's method factors the modulus at once. */
export function closePrimesKey(): KeyPair {
  let last = generatePrimeSync(1024, { bigint: true });
  return rsaKeyOf(() => {
    last = nextPrime(last);
    return last;
  });
}

const exponent = 65537n;

function rsaKeyOf(makePrime: () => bigint): KeyPair {
  for (;;) {
    const q = makePrime();
    const p = makePrime();
    const order = (p - 1n) * (q - 1n);
    const modulus = p * q;
    if (p === q || modulus.toString(2).length !== 2048 || order % exponent === 0n) continue;
    const d = inverse(exponent, order);
    const numbers = { n: modulus, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
    const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64Url(value)]));
    const privateKey = createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' });
    return { privateKey, publicKey: createPublicKey(privateKey) };
  }
}

function nextPrime(after: bigint): bigint {
  // Node finds primes of a residue class: one that begins right behind leaves hardly a choice.
  for (let candidate = after + 2n; ; candidate += 2n) if (isProbablyPrime(candidate)) return candidate;
}

function isProbablyPrime(candidate: bigint): boolean {
  if (primesUpTo(1000).some((prime) => candidate % BigInt(prime) === 0n)) return false;
  return power(2n, candidate - 1n, candidate) === 1n;
}

function power(base: bigint, to: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of to.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * base) % modulus;
  }
  return result;
}

/** By Euclid's extended algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [modulus, value, 0n, 1n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

function primesUpTo(limit: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n <= limit; n++) if (primes.every((prime) => n % prime > 0)) primes.push(n);
  return primes;
}

function base64Url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
}
