/** KMAC128 and KMAC256 (NIST SP 800-185 4) as RFC 8702 3.4 and RFC 9481 6.2.3 have them; node:crypto has none. */

import { kmac128, kmac256 } from '@noble/hashes/sha3-addons.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { readNumber } from '../asn1/building-blocks.js';
import { isSameMac, type MacFunction } from './mac-function.js';
import { idKmacWithShake128, idKmacWithShake256 } from './oids.js';

type KmacStrength = 128 | 256;

export const kmacStrengths: ReadonlyMap<string, KmacStrength> = new Map([
  [idKmacWithShake128, 128],
  [idKmacWithShake256, 256],
]);

/** @throws DerError, UnsupportedAlgorithmError */
export function createKmac(
  identifier: Uint8Array,
  strength: KmacStrength,
  parameters: Uint8Array | undefined,
): MacFunction {
  const { bits, customization } = decodeParameters(strength, parameters);
  const kmac = strength === 128 ? kmac128 : kmac256;
  const options = { dkLen: bits / 8, personalization: customization };
  const compute = (key: Uint8Array, data: Uint8Array) => kmac(key, data, options);
  const kmacFunction: MacFunction = {
    name: `kmac${strength}`,
    identifier,
    keyLength: strength / 8,
    isKeyLengthFixed: false,
    // In JavaScript.
    octetsPerMillisecond: 6000,
    // A key shorter than the strength is not for KMAC (NIST SP 800-185 8.4.1), and some libraries refuse it.
    readings: ['as-is', 'repeated'],
    compute,
    verify: (key, data, mac) => isSameMac(compute(key, data), mac),
    renewed: () => kmacFunction,
  };
  return kmacFunction;
}

/** KMACwithSHAKE128-params and KMACwithSHAKE256-params; the default lengths are 256 and 512 bits. */
function decodeParameters(
  strength: KmacStrength,
  parameters: Uint8Array | undefined,
): { bits: number; customization: Uint8Array } {
  const none = { bits: strength * 2, customization: new Uint8Array() };
  if (parameters === undefined) return none;
  const { bits, customization } = DerReader.decode(parameters, (r) =>
    r.sequence((p) => ({
      bits: p.optional(Tag.integer, readNumber) ?? none.bits,
      customization: p.optional(Tag.octetString, (c) => c.octetString()) ?? none.customization,
    })),
  );
  // Whoever sends a message chooses the length: of a short one he could try all values.
  if (bits < leastBits || bits > mostBits || bits % 8 !== 0) {
    throw new UnsupportedAlgorithmError(`KMAC of ${bits} bits instead of ${leastBits} to ${mostBits}`);
  }
  if (customization.length > longestCustomization) {
    throw new UnsupportedAlgorithmError(`KMAC with a customization string of ${customization.length} octets`);
  }
  return { bits, customization };
}

const leastBits = 128;
const mostBits = 4096;
const longestCustomization = 256;
