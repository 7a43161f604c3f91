/** What makes two EST requests the same one (RFC 7030 4.2.3): a client repeats its request until it has the answer. */

import { createHash } from 'node:crypto';
import { findExtension } from '../../src/x509/extensions.js';
import { idCeSubjectAltName } from '../../src/x509/oids.js';
import type { RequestedNames } from './requested-names.js';

/**
 * A digest, in hex, of operation, key and requested names. Not of the request's bytes: a repeat on another connection
 * has another challengePassword and signature. Without a key for requests that the gateway makes one for.
 */
export function transactionId(
  operation: string,
  { subject, extensions }: RequestedNames,
  subjectPublicKeyInfo?: Uint8Array,
): string {
  const hash = createHash('sha256').update(`${operation}\0`);
  // DER values say themselves where they end, so that nothing can move from one into the next.
  if (subjectPublicKeyInfo !== undefined) hash.update(subjectPublicKeyInfo);
  hash.update(subject);
  const alternatives = findExtension(extensions, idCeSubjectAltName);
  if (alternatives !== undefined) hash.update(alternatives.value);
  return hash.digest('hex');
}
