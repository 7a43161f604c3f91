/** How answers are signed: as the request is, as far as the gateway's key can (RFC 9483 3.2). */

import type { MessageSignatureName } from '../../../src/model/message-protection.js';
import {
  type MessageSignatureAlgorithm,
  type MessageSignatureScheme,
  type MessageSigningHash,
  messageSignatureFor,
} from '../../../src/x509/message-signatures.js';
import type { KeyAlgorithm } from '../../../src/x509/public-key.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';

/**
 * The signature by a key of such a kind that is most like that of the request: whoever makes it can check it. Without one,
 * with SHA-3 or SHAKE by another kind of key, or where the policy does not accept the like, the best known one that it accepts; where it accepts none, by SHA-256.
 * @param asked the request's own; undefined when it is not known
 * @param accepted what the policy lets messages be signed with
 */
export function answerSignature(
  key: KeyAlgorithm,
  asked: MessageSignatureScheme | undefined,
  accepted: readonly MessageSignatureName[],
): MessageSignatureAlgorithm {
  const find = (hash: MessageSigningHash, isPss: boolean): MessageSignatureAlgorithm | undefined => {
    const algorithm = messageSignatureFor(key, hash, isPss);
    return algorithm !== undefined && accepted.includes(algorithm.name) ? algorithm : undefined;
  };
  const { hash, pss } = asked ?? {};
  // SHA-3 with one kind of key does not mean that with another one, as in OpenSSL 3.0.
  if (hash !== undefined && hash !== 'sha1' && (asked?.key === key || isSha2(hash))) {
    const isPss = pss !== undefined;
    const alike = find(hash, isPss) ?? find(hash, !isPss);
    if (alike !== undefined) return alike;
  }
  for (const isPss of [false, true]) {
    for (const preferred of preferredHashes) {
      const found = find(preferred, isPss);
      if (found !== undefined) return found;
    }
  }
  return signatureAlgorithmFor(key, 'sha256');
}

function isSha2(hash: MessageSigningHash): boolean {
  return ['sha224', 'sha256', 'sha384', 'sha512'].includes(hash);
}

/** The best known first. */
const preferredHashes: readonly MessageSigningHash[] = [
  ...(['sha256', 'sha384', 'sha512'] as const),
  ...(['sha3-256', 'sha3-384', 'sha3-512', 'shake128', 'shake256'] as const),
  ...(['sha224', 'sha3-224'] as const),
];
