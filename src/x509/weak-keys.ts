/** Signs of keys that were made badly. Pure arithmetic, well below a millisecond for RSA-2048; the policy decides. */

export type RsaWeakness = 'roca' | 'exponent' | 'small-factor' | 'close-primes';

/** The first weakness found in a key, given big-endian modulus and exponent. */
export function findRsaWeakness(modulus: Uint8Array, exponent: Uint8Array): RsaWeakness | undefined {
  if (isWeakExponent(exponent)) return 'exponent';
  if (hasSmallFactor(modulus)) return 'small-factor';
  if (hasRocaFingerprint(modulus)) return 'roca';
  return hasClosePrimes(modulus) ? 'close-primes' : undefined;
}

/** Even, or below 65537 (NIST SP 800-56B 6.2; CA/Browser Forum BR 6.1.6). */
export function isWeakExponent(exponent: Uint8Array): boolean {
  const value = bigIntOf(exponent);
  return value < 65537n || value % 2n === 0n;
}

/**
 * ROCA (CVE-2017-15361): primes of Infineon's library are k*M + 65537^a mod M, M the product of the first primes, so the
 * modulus is a power of 65537 modulo each of them. By chance that happens to one key in 2^30.
 */
export function hasRocaFingerprint(modulus: Uint8Array): boolean {
  const value = bigIntOf(modulus);
  const small = residues(value, rocaProduct, rocaPrimes);
  return rocaMarkers.every((markers, i) => markers.has(small[i] ?? 0));
}

/** Whether a prime below 1000 divides the modulus. */
export function hasSmallFactor(modulus: Uint8Array): boolean {
  return residues(bigIntOf(modulus), smallPrimeProduct, smallPrimes).includes(0);
}

/** Fermat's factoring, 100 rounds (as CVE-2022-26320 showed, one is enough for keys of some libraries). */
export function hasClosePrimes(modulus: Uint8Array): boolean {
  const value = bigIntOf(modulus);
  let a = squareRoot(value);
  if (a * a < value) a += 1n;
  let rest = a * a - value;
  for (let round = 0; round < 100; round++) {
    if (isSquare(rest)) return true;
    rest += 2n * a + 1n;
    a += 1n;
  }
  return false;
}

/**
 * Whether a public key of EdDSA is no key: a point of small order, for which anybody can make signatures that verify, or one
 * written with a coordinate beyond the field's prime, as another text of the same key. Verifying finds neither (RFC 8032 5.1.7).
 * @param point as RFC 8032 5.1.2 and 5.2.2 encode it
 */
export function isWeakEdwardsPoint(algorithm: 'ed25519' | 'ed448', point: Uint8Array): boolean {
  const { prime, smallOrders } = edwardsCurves[algorithm];
  const encoded = bigIntOf(point.toReversed());
  const y = encoded & ((1n << BigInt(8 * point.length - 1)) - 1n);
  return y >= prime || smallOrders.includes(y);
}

const ed25519Prime = (1n << 255n) - 19n;
const ed448Prime = (1n << 448n) - (1n << 224n) - 1n;
/** With the y coordinates of the points whose order divides the cofactor: 8 and 4. */
const edwardsCurves = {
  ed25519: {
    prime: ed25519Prime,
    smallOrders: [
      0n,
      1n,
      ed25519Prime - 1n,
      0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
      0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
    ],
  },
  ed448: { prime: ed448Prime, smallOrders: [0n, 1n, ed448Prime - 1n] },
} as const satisfies Readonly<Record<string, { readonly prime: bigint; readonly smallOrders: readonly bigint[] }>>;

const smallPrimes = primesBelow(1000);
const smallPrimeProduct = product(smallPrimes);
// M of 512-bit keys; that of longer ones is a multiple.
const rocaPrimes = smallPrimes.filter((prime) => prime > 2 && prime <= 167);
const rocaProduct = product(rocaPrimes);
const rocaMarkers = rocaPrimes.map(powersOf65537);

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n < limit; n++) if (primes.every((prime) => n % prime > 0)) primes.push(n);
  return primes;
}

function product(numbers: readonly number[]): bigint {
  return numbers.reduce((all, n) => all * BigInt(n), 1n);
}

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power);
  return powers;
}

/** The remainders by each prime; the long division is done once, by their product. */
function residues(value: bigint, all: bigint, primes: readonly number[]): number[] {
  const rest = value % all;
  return primes.map((prime) => Number(rest % BigInt(prime)));
}

function isSquare(value: bigint): boolean {
  // Most of what is no square shows it in its last six bits, or modulo 45045; roots are for the few that are left.
  if (!squaresModulo64.has(Number(value & 63n))) return false;
  const rest = Number(value % 45045n);
  if (!squareFilters.every(({ modulus, squares }) => squares.has(rest % modulus))) return false;
  const root = squareRoot(value);
  return root * root === value;
}

const squaresModulo64 = squaresModulo(64);
const squareFilters = [5, 7, 9, 11, 13].map((modulus) => ({ modulus, squares: squaresModulo(modulus) }));

function squaresModulo(modulus: number): ReadonlySet<number> {
  return new Set(Array.from({ length: modulus }, (_, n) => (n * n) % modulus));
}

/** Rounded down, by Newton's method from above. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function bigIntOf(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  return BigInt(`0x${hex || '0'}`);
}
