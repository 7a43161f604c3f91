/** AES-GMAC (NIST SP 800-38D) as RFC 9044 and RFC 9481 6.2.2 have it. */

import { createCipheriv, randomBytes } from 'node:crypto';
import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { octetString, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { readNumber } from '../asn1/building-blocks.js';
import { isSameMac, type MacFunction } from './mac-function.js';
import { idAes128Gmac, idAes192Gmac, idAes256Gmac } from './oids.js';

type GmacKeyLength = 16 | 24 | 32;

/** Octets. */
export const gmacKeyLengths: ReadonlyMap<string, GmacKeyLength> = new Map([
  [idAes128Gmac, 16],
  [idAes192Gmac, 24],
  [idAes256Gmac, 32],
]);

/** @throws DerError, UnsupportedAlgorithmError */
export function createGmac(
  identifier: Uint8Array,
  id: string,
  keyLength: GmacKeyLength,
  parameters: Uint8Array | undefined,
): MacFunction {
  const { nonce, length } = decodeParameters(parameters);
  const { name, cipher } = ciphers[keyLength];

  function computeWhole(key: Uint8Array, data: Uint8Array): Uint8Array {
    const gcm = createCipheriv(cipher, key, nonce).setAAD(data);
    gcm.final();
    return gcm.getAuthTag();
  }

  return {
    name,
    identifier,
    keyLength,
    isKeyLengthFixed: true,
    octetsPerMillisecond: 500_000,
    readings: ['repeated'],
    compute: (key, data) => computeWhole(key, data).subarray(0, length),
    verify(key, data, mac) {
      const whole = computeWhole(key, data);
      // Some leave the length out, which means 12, and send all 16 octets that RFC 9045 4.4 demands.
      return isSameMac(mac.length === whole.length ? whole : whole.subarray(0, length), mac);
    },
    renewed() {
      // Two messages under one nonce would give the hash key away (NIST SP 800-38D A).
      const renewedNonce = octetString(randomBytes(nonceLength));
      const fresh = sequence(oid(id), sequence(renewedNonce, smallInteger(wholeLength)));
      return createGmac(fresh, id, keyLength, sequence(renewedNonce, smallInteger(wholeLength)));
    },
  };
}

const ciphers = {
  16: { name: 'aes128-gmac', cipher: 'aes-128-gcm' },
  24: { name: 'aes192-gmac', cipher: 'aes-192-gcm' },
  32: { name: 'aes256-gmac', cipher: 'aes-256-gcm' },
} as const;

// What RFC 9044 3 recommends, and what RFC 9045 4.4 demands.
const nonceLength = 12;
const wholeLength = 16;
// Of a nonce, what OpenSSL takes at most.
const longestNonce = 128;

/** GMACParameters (RFC 9044 2). */
function decodeParameters(parameters: Uint8Array | undefined): { nonce: Uint8Array; length: number } {
  if (parameters === undefined) throw new DerError('AES-GMAC without parameters', 0);
  const { nonce, length } = DerReader.decode(parameters, (r) =>
    r.sequence((p) => ({ nonce: p.octetString(), length: p.optional(Tag.integer, readNumber) ?? 12 })),
  );
  if (nonce.length === 0 || nonce.length > longestNonce) {
    throw new UnsupportedAlgorithmError(`AES-GMAC with a nonce of ${nonce.length} octets`);
  }
  if (length < 12 || length > wholeLength) throw new UnsupportedAlgorithmError(`AES-GMAC of ${length} octets`);
  return { nonce, length };
}
