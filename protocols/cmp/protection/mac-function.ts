/** A MAC function with its parameters (RFC 9481 6.2): computes MACs under a key, and knows nothing of passwords. */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { MacFunctionName, MessageDigest } from '../../../src/model/message-protection.js';

export interface MacFunction {
  readonly name: MacFunctionName;
  /** DER AlgorithmIdentifier, as received. */
  readonly identifier: Uint8Array;
  /** HMAC's digest. */
  readonly hash?: MessageDigest;
  /** Octets: of the only key that AES takes, else of one as strong as the function. */
  readonly keyLength: number;
  readonly isKeyLengthFixed: boolean;
  /** How much it can take in, roughly. */
  readonly octetsPerMillisecond: number;
  /** How a shared secret may be its key, the way that is tried first before others. */
  readonly readings: readonly [SecretReading, ...SecretReading[]];
  compute(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** In constant time. */
  verify(key: Uint8Array, data: Uint8Array, mac: Uint8Array): boolean;
  /** The same function for another message: with another nonce where it has one. */
  renewed(): MacFunction;
}

/**
 * No RFC says how a secret of any length becomes a key of a given one. Repeated up to that length it loses nothing, and is
 * what the cmp-test-suite of Siemens takes; cut off it would be easier to guess.
 */
export type SecretReading = 'as-is' | 'repeated';

/** A copy of the secret as a key; random where it can be none, so that no MAC fits. */
export function keyOfSecret(
  secret: Uint8Array,
  { keyLength, isKeyLengthFixed }: MacFunction,
  reading: SecretReading,
): Uint8Array {
  if (reading === 'as-is' || (secret.length >= keyLength && !isKeyLengthFixed)) return Uint8Array.from(secret);
  if (secret.length === 0 || secret.length > keyLength) return randomBytes(keyLength);
  return Uint8Array.from({ length: keyLength }, (_, i) => secret[i % secret.length] ?? 0);
}

export function isSameMac(expected: Uint8Array, mac: Uint8Array): boolean {
  return mac.length === expected.length && timingSafeEqual(mac, expected);
}
