/** What messages may be signed with (RFC 8555 6.2, RFC 7518 3.1, RFC 8037): each kind of key has one algorithm. */
import type { PublicJwk } from '../context.js';
import { AcmeError } from '../problem.js';

const signatureAlgorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA'] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** @throws AcmeError `badSignatureAlgorithm`, for `none` and MACs as well */
export function readSignatureAlgorithm(name: string): SignatureAlgorithm {
  const algorithm = signatureAlgorithms.find((each) => each === name);
  if (algorithm === undefined) {
    throw badAlgorithm(`sign the message with one of ${signatureAlgorithms.join(', ')}`, signatureAlgorithms);
  }
  return algorithm;
}

/** The one algorithm of a key; undefined for a key of a kind that has none here. */
export function algorithmOf({
  kty,
  ...key
}: {
  readonly kty: string;
  readonly crv?: string;
}): SignatureAlgorithm | undefined {
  return kty === 'RSA' ? 'RS256' : curveAlgorithms.get(`${kty} ${key.crv}`);
}

/** @throws AcmeError `badSignatureAlgorithm` where a message says another algorithm than the account's key has */
export function requireAlgorithmOf(jwk: PublicJwk, algorithm: SignatureAlgorithm): void {
  const ofKey = algorithmOf(jwk);
  if (ofKey === algorithm || ofKey === undefined) return;
  throw badAlgorithm(`the key of this account signs with ${ofKey}, and the message says ${algorithm}`, [ofKey]);
}

/** RFC 8555 6.2: the document names what would do. */
export function badAlgorithm(detail: string, algorithms: readonly string[]): AcmeError {
  return new AcmeError('badSignatureAlgorithm', detail, { members: { algorithms } });
}

const curveAlgorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['EC P-256', 'ES256'],
  ['EC P-384', 'ES384'],
  ['EC P-521', 'ES512'],
  ['OKP Ed25519', 'EdDSA'],
]);
