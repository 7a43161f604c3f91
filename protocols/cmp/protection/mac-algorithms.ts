/** RFC 9481 6: the MACs that messages are protected with, by a secret that both sides know. */

import type { MessageDigest, MessageMacName } from '../../../src/model/message-protection.js';
import { decodeAlgorithm } from '../../../src/x509/signature-algorithms.js';
import { idPasswordBasedMac } from '../asn1/oids.js';
import type { KeyDerivation } from './key-derivation.js';
import { keyOfSecret, type MacFunction, type SecretReading } from './mac-function.js';
import { decodeMacFunction } from './mac-functions.js';
import { idPbmac1 } from './oids.js';
import { decodePasswordBasedMac } from './password-based-mac.js';
import { decodePbmac1 } from './pbmac1.js';

export interface MacAlgorithm {
  readonly name: MessageMacName;
  readonly hashes: {
    /** PasswordBasedMac's one-way function. */
    readonly oneWay?: MessageDigest;
    /** HMAC's. */
    readonly mac?: MessageDigest;
  };
  /** DER AlgorithmIdentifier, as received. */
  readonly identifier: Uint8Array;
  /** Milliseconds of CPU, roughly, that deriving a key and verifying so many octets cost. */
  work(octets: number): number;
  /** The key keeps nothing of the secret's memory. */
  deriveKey(secret: Uint8Array): Promise<MacKey>;
  /** For another message, such as the answer: the same but for the salt and the nonce, which are fresh where there are any. */
  renewed(): MacAlgorithm;
}

export interface MacKey {
  readonly algorithm: MacAlgorithm;
  mac(data: Uint8Array): Uint8Array;
  /** In constant time. */
  verify(data: Uint8Array, mac: Uint8Array): boolean;
}

/**
 * Finds the algorithm of a DER AlgorithmIdentifier; undefined for what is no MAC: a signature, or something unknown.
 * @throws DerError, UnsupportedAlgorithmError for a MAC whose parameters are not taken
 */
export function decodeMacAlgorithm(identifier: Uint8Array): MacAlgorithm | undefined {
  const { id, parameters } = decodeAlgorithm(identifier);
  if (id === idPasswordBasedMac) return derivedKeyAlgorithm(decodePasswordBasedMac(identifier, parameters));
  if (id === idPbmac1) return derivedKeyAlgorithm(decodePbmac1(identifier, parameters));
  const mac = decodeMacFunction(identifier);
  return mac && secretKeyAlgorithm(mac, mac.readings[0]);
}

function derivedKeyAlgorithm(derivation: KeyDerivation): MacAlgorithm {
  const { name, identifier, oneWay, mac } = derivation;
  const algorithm: MacAlgorithm = {
    name: `${name}-${mac.name}`,
    hashes: { ...hashOf(mac), ...(oneWay && { oneWay }) },
    identifier,
    work: (octets) => derivation.milliseconds + octets / mac.octetsPerMillisecond,
    async deriveKey(secret) {
      const key = await derivation.deriveKey(secret);
      return {
        algorithm,
        mac: (data) => mac.compute(key, data),
        verify: (data, received) => mac.verify(key, data, received),
      };
    },
    renewed: () => derivedKeyAlgorithm(derivation.renewed()),
  };
  return algorithm;
}

function secretKeyAlgorithm(mac: MacFunction, preferred: SecretReading): MacAlgorithm {
  // An answer is for who has sent the request, so it takes the secret as that has been found to.
  let reading = preferred;
  const algorithm: MacAlgorithm = {
    name: mac.name,
    hashes: hashOf(mac),
    identifier: mac.identifier,
    work: (octets) => (mac.readings.length * octets) / mac.octetsPerMillisecond,
    async deriveKey(shared) {
      const keys = new Map(mac.readings.map((each) => [each, keyOfSecret(shared, mac, each)]));
      return {
        algorithm,
        mac: (data) => mac.compute(keys.get(reading) ?? new Uint8Array(), data),
        verify(data, received) {
          for (const [each, key] of keys) {
            if (!mac.verify(key, data, received)) continue;
            reading = each;
            return true;
          }
          return false;
        },
      };
    },
    renewed: () => secretKeyAlgorithm(mac.renewed(), reading),
  };
  return algorithm;
}

function hashOf({ hash }: MacFunction): { mac?: MessageDigest } {
  return hash === undefined ? {} : { mac: hash };
}
