/** Keys that sign a client's messages, as JWS knows them (RFC 7518 3.1, RFC 8037). */
import {
  constants,
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  type SignKeyObjectInput,
  sign as signWith,
} from 'node:crypto';

export type SignatureAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'RS256' | 'EdDSA';
export type MacAlgorithm = 'HS256' | 'HS384' | 'HS512';

/** What signs a JWS. `sign` answers the octets of the signature. */
export interface JwsKey {
  /** For the header; any text, so that a key can lie about itself. */
  readonly alg: string;
  readonly sign: (input: string) => Uint8Array;
}

export interface AccountKey extends JwsKey {
  readonly privateKey: KeyObject;
  /** The public key, with the members that its thumbprint is made of. */
  readonly jwk: Jwk;
}

export type Jwk = Readonly<Record<string, string>>;

/** Makes a key pair. @param bits of an RSA key */
export function newAccountKey(alg: SignatureAlgorithm = 'ES256', bits = 2048): AccountKey {
  return accountKeyOf(generate(alg, bits), alg);
}

/** A key that signs by an algorithm; also one that does not suit it, as far as node:crypto goes along. */
export function accountKeyOf(privateKey: KeyObject, alg: SignatureAlgorithm): AccountKey {
  return { alg, privateKey, jwk: publicJwk(privateKey), sign: (input) => signInput(alg, privateKey, input) };
}

/** A key of an external account (RFC 8555 7.3.4). @param secret base64url, as operators hand it out */
export function macKey(secret: string, alg: MacAlgorithm = 'HS256'): JwsKey {
  const key = Buffer.from(secret, 'base64url');
  return {
    alg,
    sign: (input) =>
      createHmac(`sha${alg.slice(2)}`, key)
        .update(input)
        .digest(),
  };
}

/** base64url of the SHA-256 thumbprint of a public key (RFC 7638). */
export function thumbprint(jwk: Jwk): string {
  const canonical = JSON.stringify(Object.fromEntries(Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1))));
  return createHash('sha256').update(canonical).digest('base64url');
}

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;
const hashes = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', RS256: 'sha256', EdDSA: null } as const;

function generate(alg: SignatureAlgorithm, bits: number): KeyObject {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey;
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: curves[alg] }).privateKey;
}

const requiredMembers = ['crv', 'e', 'kty', 'n', 'x', 'y'] as const;

function publicJwk(privateKey: KeyObject): Jwk {
  const jwk = privateKey.export({ format: 'jwk' });
  return Object.fromEntries(
    requiredMembers.flatMap((name) => {
      const value = jwk[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

function signInput(alg: SignatureAlgorithm, key: KeyObject, input: string): Uint8Array {
  const options: SignKeyObjectInput = alg.startsWith('ES')
    ? { key, dsaEncoding: 'ieee-p1363' }
    : { key, ...(alg === 'RS256' && { padding: constants.RSA_PKCS1_PADDING }) };
  return signWith(hashes[alg], Buffer.from(input), options);
}
