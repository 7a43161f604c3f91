/** Finds MAC functions by their AlgorithmIdentifiers: HMAC here (RFC 9481 6.2.1, RFC 9688 4), KMAC and GMAC in their files. */

import { createHmac } from 'node:crypto';
import type { MessageDigest } from '../../../src/model/message-protection.js';
import { DerReader } from '../../../src/x509/der.js';
import { decodeAlgorithm, UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { createGmac, gmacKeyLengths } from './gmac.js';
import { createKmac, kmacStrengths } from './kmac.js';
import { isSameMac, type MacFunction } from './mac-function.js';
import * as oids from './oids.js';

/** Undefined for what is no MAC function. @throws DerError, UnsupportedAlgorithmError for parameters that are not taken */
export function decodeMacFunction(identifier: Uint8Array): MacFunction | undefined {
  const { id, parameters } = decodeAlgorithm(identifier);
  const hash = hmacDigests.get(id);
  if (hash !== undefined) {
    requireNoParameters(parameters);
    return createHmacFunction(identifier, hash);
  }
  const strength = kmacStrengths.get(id);
  if (strength !== undefined) return createKmac(identifier, strength, parameters);
  const keyLength = gmacKeyLengths.get(id);
  return keyLength === undefined ? undefined : createGmac(identifier, id, keyLength, parameters);
}

/** @throws DerError, UnsupportedAlgorithmError */
export function requireMacFunction(identifier: Uint8Array): MacFunction {
  const found = decodeMacFunction(identifier);
  if (found === undefined) throw new UnsupportedAlgorithmError(`MAC ${decodeAlgorithm(identifier).id}`);
  return found;
}

/** Finds the digest of an HMAC's AlgorithmIdentifier. @throws DerError, UnsupportedAlgorithmError for anything else */
export function requireHmacDigest(identifier: Uint8Array): MessageDigest {
  const { hash } = requireMacFunction(identifier);
  if (hash === undefined) throw new UnsupportedAlgorithmError('a key derivation without HMAC');
  return hash;
}

/** Octets. */
export const digestLengths: Readonly<Record<MessageDigest, number>> = {
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  'sha3-224': 28,
  'sha3-256': 32,
  'sha3-384': 48,
  'sha3-512': 64,
};

const hmacDigests: ReadonlyMap<string, MessageDigest> = new Map([
  [oids.hmacSha1, 'sha1'],
  [oids.idHmacWithSha1, 'sha1'],
  [oids.idHmacWithSha224, 'sha224'],
  [oids.idHmacWithSha256, 'sha256'],
  [oids.idHmacWithSha384, 'sha384'],
  [oids.idHmacWithSha512, 'sha512'],
  [oids.idHmacWithSha3_224, 'sha3-224'],
  [oids.idHmacWithSha3_256, 'sha3-256'],
  [oids.idHmacWithSha3_384, 'sha3-384'],
  [oids.idHmacWithSha3_512, 'sha3-512'],
]);

function createHmacFunction(identifier: Uint8Array, hash: MessageDigest): MacFunction {
  const compute = (key: Uint8Array, data: Uint8Array) => createHmac(hash, key).update(data).digest();
  const hmac: MacFunction = {
    name: `hmac-${hash}`,
    identifier,
    hash,
    keyLength: digestLengths[hash],
    isKeyLengthFixed: false,
    octetsPerMillisecond: 500_000,
    readings: ['as-is'],
    compute,
    verify: (key, data, mac) => isSameMac(compute(key, data), mac),
    renewed: () => hmac,
  };
  return hmac;
}

/** NULL, or absent, which both occur. @throws DerError */
function requireNoParameters(parameters: Uint8Array | undefined): void {
  if (parameters !== undefined) DerReader.decode(parameters, (r) => r.null());
}
