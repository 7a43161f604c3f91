/** Many RSA-2048 keys in little time: each pair of primes is another key, so that n primes make n(n-1)/2 of them. */
import { createPrivateKey, createPublicKey, generatePrimeSync } from 'node:crypto';
import type { KeyPair } from '../support/make-csr.js';

/** Returns what makes the next one; all differ. Their moduli share primes, so that they are good for nothing but this. */
export function createRsaKeys(): () => KeyPair {
  const primes: bigint[] = [makePrime()];
  let first = 0;
  let second = 0;
  return () => {
    first++;
    if (first >= second) {
      first = 0;
      second++;
      primes.push(makePrime());
    }
    return makeKey(primes[second] ?? 0n, primes[first] ?? 0n);
  };
}

const exponent = 65537n;

/** OpenSSL sets both upper bits of a prime, so that the product of two has 2048. */
function makePrime(): bigint {
  const prime = generatePrimeSync(1024, { bigint: true });
  return (prime - 1n) % exponent === 0n ? makePrime() : prime;
}

function makeKey(p: bigint, q: bigint): KeyPair {
  const dp = inverse(exponent, p - 1n);
  const dq = inverse(exponent, q - 1n);
  const d = inverse(exponent, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e: exponent, d, p, q, dp, dq, qi: inverse(q, p) };
  const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64Url(value)]));
  const privateKey = createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Extended Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, nextRest] = [modulus, value % modulus];
  let [factor, nextFactor] = [0n, 1n];
  while (nextRest !== 0n) {
    const quotient = rest / nextRest;
    [rest, nextRest] = [nextRest, rest - quotient * nextRest];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  return factor < 0n ? factor + modulus : factor;
}

function base64Url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}
