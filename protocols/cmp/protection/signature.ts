/** Signatures over messages, by the key of a certificate that came with them (RFC 9810 5.1.3.3). */

import { GatewayError } from '../../../src/errors.js';
import { type Certificate, extension } from '../../../src/x509/certificate.js';
import { decoding } from '../../../src/x509/decoding.js';
import { decodeKeyUsage } from '../../../src/x509/extensions.js';
import { type MessageSignatureAlgorithm, verifySignedMessage } from '../../../src/x509/message-signatures.js';
import { idCeKeyUsage } from '../../../src/x509/oids.js';
import { describePublicKey, importDescribedKey } from '../../../src/x509/public-key.js';
import { findRsaWeakness } from '../../../src/x509/weak-keys.js';

/**
 * Verifies a signature over `data` by the certificate's key. Whether to trust the certificate is for others to say.
 * @throws GatewayError `malformed-request`, `unsupported-algorithm`; `untrusted-signer` for a key that others may well have found
 */
export function verifyMessageSignature(
  algorithm: MessageSignatureAlgorithm,
  { subjectPublicKeyInfo }: Pick<Certificate, 'subjectPublicKeyInfo'>,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = decoding('the key of the protection certificate', () => {
    const described = describePublicKey(subjectPublicKeyInfo);
    const isWeak =
      described.algorithm === 'rsa' &&
      (described.bits < shortestModulus || findRsaWeakness(described.modulus, described.exponent) !== undefined);
    if (isWeak) throw new GatewayError('untrusted-signer', 'the key of the protection certificate is weak');
    return importDescribedKey(subjectPublicKeyInfo, described);
  });
  return verifySignedMessage(algorithm, key, data, signature);
}

/** Whether the certificate may protect messages: its key usage, if it has one, must say so (RFC 9483 3.2). @throws GatewayError */
export function mayProtectMessages(certificate: Certificate): boolean {
  const usage = extension(certificate, idCeKeyUsage);
  if (usage === undefined) return true;
  return decoding('the protection certificate', () => decodeKeyUsage(usage)).includes('digitalSignature');
}

// What templates take at least: the certificates of old factories have such keys.
const shortestModulus = 1024;
