/** What PasswordBasedMac and PBMAC1 have in common: a key derived from a password, for a MAC function. */

import type { MessageDigest } from '../../../src/model/message-protection.js';
import { UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import type { MacFunction } from './mac-function.js';

export interface KeyDerivation {
  readonly name: 'pbm' | 'pbmac1';
  /** DER AlgorithmIdentifier of the whole, as received. */
  readonly identifier: Uint8Array;
  /** PasswordBasedMac's one-way function. */
  readonly oneWay?: MessageDigest;
  readonly mac: MacFunction;
  /** Of CPU, roughly, for a key. */
  readonly milliseconds: number;
  deriveKey(secret: Uint8Array): Promise<Uint8Array>;
  /** The same for another message: with a salt of its own. */
  renewed(): KeyDerivation;
}

const longestSalt = 256;
/** Octets. */
export const freshSaltLength = 16;

/** Every message that claims to be protected costs as much as its sender likes, up to the maximum. */
interface IterationRange {
  readonly minimum: number;
  readonly maximum: number;
}

/** @throws UnsupportedAlgorithmError for what would cost too much, or protect too little */
export function checkDerivation(salt: Uint8Array, iterations: number, { minimum, maximum }: IterationRange): void {
  if (salt.length > longestSalt) throw new UnsupportedAlgorithmError(`a salt of ${salt.length} octets`);
  if (iterations < minimum || iterations > maximum) {
    const range = `${minimum} to ${maximum}`;
    throw new UnsupportedAlgorithmError(`an iteration count that is not from ${range}`);
  }
}
