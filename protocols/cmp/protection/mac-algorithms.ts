/** RFC 9481 6: the MACs that messages are protected with, by a secret that both sides know. */

import type { MessageDigest, MessageMacName } from '../../../src/model/message-protection.js';
import { decodeAlgorithm } from '../../../src/x509/signature-algorithms.js';
import { idPasswordBasedMac } from '../asn1/oids.js';
import type { KeyDerivation } from './key-derivation.js';
import { keyOfSecret, type MacFunction } from './mac-function.js';
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
}

export interface MacKey {
  readonly algorithm: MacAlgorithm;
  /** In constant time. */
  verify(data: Uint8Array, mac: Uint8Array): boolean;
  /** Makes the MAC of another message under the same key (RFC 9483 4.1.5: parameters stay the same in an operation). */
  forAnswer(): AnswerMac;
}

export interface AnswerMac {
  /** DER AlgorithmIdentifier: that of the request, but for the nonce where it has one. */
  readonly identifier: Uint8Array;
  compute(data: Uint8Array): Uint8Array;
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
  return mac && secretKeyAlgorithm(mac);
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
        verify: (data, received) => mac.verify(key, data, received),
        forAnswer() {
          const renewed = mac.renewed();
          return {
            identifier: renewed === mac ? identifier : derivation.identifierWith(renewed),
            compute: (data) => renewed.compute(key, data),
          };
        },
      };
    },
  };
  return algorithm;
}

function secretKeyAlgorithm(mac: MacFunction): MacAlgorithm {
  const algorithm: MacAlgorithm = {
    name: mac.name,
    hashes: hashOf(mac),
    identifier: mac.identifier,
    work: (octets) => (mac.readings.length * octets) / mac.octetsPerMillisecond,
    async deriveKey(shared) {
      const keys = mac.readings.map((reading) => keyOfSecret(shared, mac, reading));
      // An answer is for who has sent the request, so it takes the secret as that has been found to.
      let used = keys[0] ?? new Uint8Array();
      return {
        algorithm,
        verify(data, received) {
          const fitting = keys.find((key) => mac.verify(key, data, received));
          if (fitting === undefined) return false;
          used = fitting;
          return true;
        },
        forAnswer() {
          const renewed = mac.renewed();
          return { identifier: renewed.identifier, compute: (data) => renewed.compute(used, data) };
        },
      };
    },
  };
  return algorithm;
}

function hashOf({ hash }: MacFunction): { mac?: MessageDigest } {
  return hash === undefined ? {} : { mac: hash };
}
