/** The one kind of key that csrattrs names (RFC 9908 3.2: "exactly one Attribute"). */

import type { Curve, KeyConstraints } from '../../src/model/key-constraints.js';

export type WantedKey =
  | { readonly algorithm: 'ec'; readonly curve: Curve }
  | { readonly algorithm: 'rsa'; readonly bits: number }
  | { readonly algorithm: 'ed25519' | 'ed448' };

/**
 * Chooses a key that the policy is sure to accept: an EC key on its first curve, else the smallest RSA key of at least
 * 2048 bits, else an Edwards curve. A client that makes another kind may still be served.
 */
export function wantedKey({ ec, rsa, ed25519, ed448 }: KeyConstraints): WantedKey | undefined {
  const curve = ec?.curves[0];
  if (curve !== undefined) return { algorithm: 'ec', curve };
  if (rsa !== undefined) {
    return { algorithm: 'rsa', bits: Math.max(rsa.minimumBits, Math.min(2048, rsa.maximumBits)) };
  }
  if (ed25519) return { algorithm: 'ed25519' };
  return ed448 ? { algorithm: 'ed448' } : undefined;
}
