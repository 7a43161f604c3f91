/** What makes two requests the same one: a client repeats its request until it has the answer. */
import { createHash } from 'node:crypto';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { findExtension } from '../../src/x509/extensions.js';
import { idCeSubjectAltName } from '../../src/x509/oids.js';
import type { Wishes } from './requests.js';

/**
 * A digest, in hex, of operation, wishes, key and names: not of the request's bytes, because signatures differ each time.
 * `operation` has the form of delivery where the gateway makes the key, but never its password: what is kept here must not
 * help anybody to find that.
 */
export function transactionId(
  operation: string,
  { profile, notAfter }: Wishes,
  { subjectPublicKeyInfo, subject, extensions }: RequestedCertificate,
): string {
  const hash = createHash('sha256').update(`${JSON.stringify([operation, profile ?? null, notAfter ?? null])}\0`);
  // DER values say themselves where they end, so that nothing can move from one into the next.
  if (subjectPublicKeyInfo !== undefined) hash.update(subjectPublicKeyInfo);
  hash.update(subject);
  const alternatives = findExtension(extensions, idCeSubjectAltName);
  if (alternatives !== undefined) hash.update(alternatives.value);
  return hash.digest('hex');
}
