/**
 * The signatures of TPM statements. WebAuthn level 2, 8.3 has them as TPMT_SIGNATURE (TPM 2.0 Library, part 2, 11.3.4); there are
 * clients, Windows among them, that send them as X.509 has them.
 */

import { Tag } from '../../../src/x509/der.js';
import { sequence, unsignedInteger } from '../../../src/x509/der-writer.js';
import type { PublicKeyDescription } from '../../../src/x509/public-key.js';
import type { AttestationAlgorithm } from './cose-algorithms.js';
import { refused } from './refused.js';
import { tpmAlgEcdsa, tpmAlgRsapss, tpmAlgRsassa, tpmHashes } from './tpm-algorithms.js';
import { readTpmStructure } from './tpm-reader.js';

/**
 * The signature as X.509 has it. @param key of the attestation certificate
 * @throws AcmeError `badAttestationStatement` for a TPMT_SIGNATURE that is not of that algorithm
 */
export function plainSignature(
  signature: Uint8Array,
  algorithm: AttestationAlgorithm,
  key: PublicKeyDescription,
): Uint8Array {
  // None of both can be a TPMT_SIGNATURE, which begins with 0x00, and is longer than the RSA signature in it.
  const isPlain = key.algorithm === 'rsa' ? signature.length === key.modulus.length : signature[0] === Tag.sequence;
  if (isPlain) return signature;
  return readTpmStructure('sig', signature, (r) => {
    const scheme = r.number(2);
    const hash = tpmHashes.get(r.number(2));
    if (scheme !== schemeOf(algorithm) || hash !== algorithm.hash) {
      throw refused('sig is made with another algorithm than alg says');
    }
    if (algorithm.key === 'rsa') return r.sized();
    return sequence(unsignedInteger(r.sized()), unsignedInteger(r.sized()));
  });
}

function schemeOf({ key, pss }: AttestationAlgorithm): number {
  if (key === 'ec') return tpmAlgEcdsa;
  return pss === undefined ? tpmAlgRsassa : tpmAlgRsapss;
}
