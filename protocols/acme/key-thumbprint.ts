/** Thumbprints of keys that did not come as JWK (RFC 7638). */
import { describePublicKey, importDescribedKey } from '../../src/x509/public-key.js';
import { thumbprintOf } from './jws/public-jwk.js';

/**
 * The thumbprint of a key as base64url, as accounts keep theirs.
 * @param spki DER SubjectPublicKeyInfo
 * @throws DerError or UnsupportedKeyError
 */
export function keyThumbprintOf(spki: Uint8Array): string {
  const key = describePublicKey(spki);
  // Also of one restricted to RSASSA-PSS, which no JWK says: it is the same key.
  if (key.algorithm === 'rsa') {
    return thumbprintOf({ kty: 'RSA', e: base64url(key.exponent), n: base64url(key.modulus) });
  }
  const { crv = '', x = '', y } = importDescribedKey(spki, key).export({ format: 'jwk' });
  return thumbprintOf(y === undefined ? { kty: 'OKP', crv, x } : { kty: 'EC', crv, x, y });
}

function base64url(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64url');
}
