/** Thumbprints of keys that did not come as JWK (RFC 7638). */
import { hash } from 'node:crypto';
import { describePublicKey, importDescribedKey } from '../../src/x509/public-key.js';

/**
 * The thumbprint of a key as base64url, as accounts keep theirs.
 * @param spki DER SubjectPublicKeyInfo
 * @throws DerError or UnsupportedKeyError
 */
export function thumbprintOf(spki: Uint8Array): string {
  const key = describePublicKey(spki);
  // Also of one restricted to RSASSA-PSS, which no JWK says: it is the same key.
  if (key.algorithm === 'rsa') {
    return thumbprint({ e: base64Url(key.exponent), kty: 'RSA', n: base64Url(key.modulus) });
  }
  const { kty, crv, x, y } = importDescribedKey(spki, key).export({ format: 'jwk' });
  return thumbprint({ crv, kty, x, y });
}

/** Members in lexical order; those that a kind of key does not have are left out. */
function thumbprint(members: Readonly<Record<string, string | undefined>>): string {
  return hash('sha256', JSON.stringify(members), 'base64url');
}

function base64Url(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64url');
}
