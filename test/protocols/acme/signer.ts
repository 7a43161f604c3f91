/** JWS as a client makes them, on node:crypto alone: also such as no client should make. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

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
  const { privateKey, publicKey } = makeKeyPair(algorithm, rsaBits);
  return {
    algorithm,
    jwk: publicKey.export({ format: 'jwk' }) as Record<string, string>,
    privateKey,
    sign: (input) =>
      sign(hashes[algorithm], Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  };
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

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;
const hashes = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', RS256: 'sha256', EdDSA: null } as const;
