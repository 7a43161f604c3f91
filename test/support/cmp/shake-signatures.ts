/** RSASSA-PSS and ECDSA with SHAKE (RFC 8692), which node:crypto has no names for: from its RSA and ECDH, and BigInt. */
import {
  constants,
  createECDH,
  createHash,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { fromBER, Integer } from 'asn1js';
import { sequence, unsignedInteger } from '../../../src/x509/der-writer.js';
import { partsOf } from '../asn1-values.js';

type Shake = 'shake128' | 'shake256';

/** RFC 8692 3.1: the mask is SHAKE's own output, and the salt as long as the digest. */
export function signPssShake(shake: Shake, privateKey: KeyObject, data: Uint8Array): Buffer {
  const bits = (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) - 1;
  const salt = randomBytes(digestLengths[shake]);
  const encoded = encodePss(shake, shakeOf(shake, data), salt, bits);
  const block = Buffer.concat([Buffer.alloc(Math.ceil((bits + 1) / 8) - encoded.length), encoded]);
  return privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
}

export function verifyPssShake(shake: Shake, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const bits = (key.asymmetricKeyDetails?.modulusLength ?? 0) - 1;
  if (signature.length !== Math.ceil((bits + 1) / 8)) return false;
  const block = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  const encoded = block.subarray(-Math.ceil(bits / 8));
  const length = digestLengths[shake];
  const hash = encoded.subarray(-length - 1, -1);
  const masked = encoded.subarray(0, -length - 1);
  const salt = xor(masked, shakeOf(shake, hash, masked.length)).subarray(-length);
  return encoded.equals(encodePss(shake, shakeOf(shake, data), salt, bits));
}

/** RFC 8692 3.2 */
export function signEcdsaShake(shake: Shake, privateKey: KeyObject, data: Uint8Array): Buffer {
  const { d = '' } = privateKey.export({ format: 'jwk' });
  const { order, length, node } = curveOf(privateKey);
  const e = truncated(shakeOf(shake, data), order);
  const ephemeral = createECDH(node);
  const point = ephemeral.generateKeys();
  const r = toNumber(point.subarray(1, 1 + length)) % order;
  const k = toNumber(ephemeral.getPrivateKey());
  const s = (inverse(k, order) * (e + r * toNumber(Buffer.from(d, 'base64url')))) % order;
  return Buffer.from(sequence(unsignedInteger(toOctets(r, length)), unsignedInteger(toOctets(s, length))));
}

export function verifyEcdsaShake(shake: Shake, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const { order, prime, length, node } = curveOf(key);
  const [r, s] = partsOf(fromBER(signature).result).map(integerOf);
  if (r === undefined || s === undefined || r <= 0n || s <= 0n || r >= order || s >= order) return false;
  const e = truncated(shakeOf(shake, data), order);
  const w = inverse(s, order);
  const generator = createECDH(node);
  generator.setPrivateKey(Buffer.from(toOctets(1n, length)));
  const base = generator.getPublicKey();
  const sum = add(
    times((e * w) % order, pointOf(base.subarray(1, 1 + length), base.subarray(1 + length)), prime),
    times((r * w) % order, pointOf(Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')), prime),
    prime,
  );
  return sum !== undefined && sum.x % order === r;
}

const digestLengths = { shake128: 32, shake256: 64 } as const;

function shakeOf(shake: Shake, data: Uint8Array, outputLength: number = digestLengths[shake]): Buffer {
  return createHash(shake, { outputLength }).update(data).digest();
}

/** RFC 8017 9.1.1 */
function encodePss(shake: Shake, digest: Uint8Array, salt: Uint8Array, bits: number): Buffer {
  const hash = shakeOf(shake, Buffer.concat([Buffer.alloc(8), digest, salt]));
  const block = Buffer.alloc(Math.ceil(bits / 8) - hash.length - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  const masked = xor(block, shakeOf(shake, hash, block.length));
  masked[0] = (masked[0] ?? 0) & (0xff >> (Math.ceil(bits / 8) * 8 - bits));
  return Buffer.concat([masked, hash, Buffer.of(0xbc)]);
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((octet, i) => octet ^ (b[i] ?? 0)));
}

/** FIPS 186-4 D.1.2; a is -3 on all of them. */
const curves = {
  'P-256': {
    node: 'prime256v1',
    length: 32,
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  'P-384': {
    node: 'secp384r1',
    length: 48,
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    order: BigInt(`0x${'f'.repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`),
  },
  'P-521': {
    node: 'secp521r1',
    length: 66,
    prime: 2n ** 521n - 1n,
    order: BigInt(`0x1${'f'.repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
  },
} as const;

function curveOf(key: KeyObject) {
  const { crv } = key.export({ format: 'jwk' });
  if (crv === 'P-256' || crv === 'P-384' || crv === 'P-521') return curves[crv];
  throw new Error(`curve ${crv}`);
}

/** The leftmost bits of a digest, as many as the order has. */
function truncated(digest: Buffer, order: bigint): bigint {
  const excess = digest.length * 8 - order.toString(2).length;
  return excess > 0 ? toNumber(digest) >> BigInt(excess) : toNumber(digest);
}

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** Undefined is the point at infinity. */
function add(a: Point | undefined, b: Point | undefined, prime: bigint): Point | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.x === b.x && modulo(a.y + b.y, prime) === 0n) return undefined;
  const slope =
    a.x === b.x
      ? (3n * a.x * a.x - 3n) * inverse(modulo(2n * a.y, prime), prime)
      : (b.y - a.y) * inverse(modulo(b.x - a.x, prime), prime);
  const x = modulo(slope * slope - a.x - b.x, prime);
  return { x, y: modulo(slope * (a.x - x) - a.y, prime) };
}

function times(factor: bigint, point: Point, prime: bigint): Point | undefined {
  let sum: Point | undefined;
  for (const bit of factor.toString(2)) {
    sum = add(sum, sum, prime);
    if (bit === '1') sum = add(sum, point, prime);
  }
  return sum;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return modulo(x, modulus);
}

function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

function pointOf(x: Uint8Array, y: Uint8Array): Point {
  return { x: toNumber(x), y: toNumber(y) };
}

function integerOf(block: unknown): bigint {
  if (block instanceof Integer) return toNumber(block.valueBlock.valueHexView);
  throw new Error('no INTEGER');
}

function toNumber(octets: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(octets).toString('hex')}`);
}

function toOctets(value: bigint, length: number): Uint8Array {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
}
