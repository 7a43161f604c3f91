/** What a policy lets messages be protected with. */

import { GatewayError } from '../../../src/errors.js';
import type { MessageMacName, MessageSignatureName } from '../../../src/model/message-protection.js';
import { decoding } from '../../../src/x509/decoding.js';
import {
  decodeMessageSignatureAlgorithm,
  type MessageSignatureAlgorithm,
} from '../../../src/x509/message-signatures.js';
import type { MacAlgorithm } from './mac-algorithms.js';

export interface AllowedAlgorithms {
  readonly macAlgorithms: readonly MessageMacName[];
  readonly signatureAlgorithms: readonly MessageSignatureName[];
  /** Whether SHA-1 will do in signatures, and as PasswordBasedMac's one-way function. */
  readonly legacy: boolean;
}

/** @throws GatewayError `unsupported-algorithm` */
export function requireAllowedMac({ name, hashes }: MacAlgorithm, allowed: AllowedAlgorithms): void {
  if (!allowed.macAlgorithms.includes(name)) throw notAccepted(`MACs by ${name}`);
  if (hashes.oneWay === 'sha1' && !allowed.legacy) throw notAccepted('SHA-1 as one-way function of a MAC');
}

/** Finds the algorithm of a DER AlgorithmIdentifier. @throws GatewayError `malformed-request`, `unsupported-algorithm` */
export function requireAllowedSignature(identifier: Uint8Array, allowed: AllowedAlgorithms): MessageSignatureAlgorithm {
  const algorithm = decoding('the signature algorithm', () => decodeMessageSignatureAlgorithm(identifier));
  if (!allowed.signatureAlgorithms.includes(algorithm.name)) throw notAccepted(`signatures by ${algorithm.name}`);
  if (algorithm.hash === 'sha1' && !allowed.legacy) throw notAccepted('signatures with SHA-1');
  return algorithm;
}

function notAccepted(what: string): GatewayError {
  return new GatewayError('unsupported-algorithm', `the policy does not accept ${what}`);
}
