/** JWS as a client makes them, on node:crypto alone: also such as no client should make. */
import {
  checkPrimeSync,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  generatePrimeSync,
  type KeyObject,
  sign,
} from 'node:crypto';

export type Algorithm = 'ES256' | 'ES384' | 'ES512' | 'RS256' | 'EdDSA';

export interface Signer {
  readonly algorithm: Algorithm;
  readonly jwk: Readonly<Record<string, string>>;
  readonly privateKey: KeyObject;
  /** The text of the signature, base64url. */
  sign(input: string): string;
}

export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

export function makeSigner(algorithm: Algorithm = 'ES256', rsaBits = 2048): Signer {
  return signerOf(algorithm, makeKeyPair(algorithm, rsaBits).privateKey);
}

function signerOf(algorithm: Algorithm, privateKey: KeyObject): Signer {
  return {
    algorithm,
    jwk: createPublicKey(privateKey).export({ format: 'jwk' }) as Record<string, string>,
    privateKey,
    sign: (input) =>
      sign(hashes[algorithm], Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  };
}

/** By an RSA key of 2048 bits whose primes lie close together: whoever sees it finds them. */
export function makeWeakSigner(): Signer {
  const p = generatePrimeSync(1024, { bigint: true });
  let q = p + 2n;
  while (!checkPrimeSync(q)) q += 2n;
  const e = 65537n;
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64urlNumber(value)]));
  return signerOf('RS256', createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' }));
}

/** `payload`: JSON of an object, a string as it is, nothing for undefined. */
export function makeJws(signer: Pick<Signer, 'algorithm' | 'sign'>, header: object, payload: unknown): Jws {
  const encoded = {
    protected: base64url(JSON.stringify({ alg: signer.algorithm, ...header })),
    payload: base64url(typeof payload === 'string' ? payload : (JSON.stringify(payload) ?? '')),
  };
  return { ...encoded, signature: signer.sign(`${encoded.protected}.${encoded.payload}`) };
}

/** An external account binding (RFC 8555 7.3.4). */
export function makeBinding(secret: Uint8Array, header: { readonly alg: string }, payload: unknown): Jws {
  const encoded = { protected: base64url(JSON.stringify(header)), payload: base64url(JSON.stringify(payload)) };
  const signature = createHmac(`sha${header.alg.slice(2)}`, secret)
    .update(`${encoded.protected}.${encoded.payload}`)
    .digest('base64url');
  return { ...encoded, signature };
}

export function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function makeKeyPair(algorithm: Algorithm, rsaBits: number) {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: rsaBits });
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: curves[algorithm] });
}

/** By the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, next, t, nextT] = [modulus, value % modulus, 0n, 1n];
  while (next > 0n) {
    const quotient = r / next;
    [r, next, t, nextT] = [next, r - quotient * next, nextT, t - quotient * nextT];
  }
  return t < 0n ? t + modulus : t;
}

function base64urlNumber(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;
const hashes = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', RS256: 'sha256', EdDSA: null } as const;
