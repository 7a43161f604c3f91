/** What makes two SCEP requests the same one: a client repeats its request until it has the answer. */

import { createHash } from 'node:crypto';
import { findExtension } from '../../src/x509/extensions.js';
import { idCeSubjectAltName } from '../../src/x509/oids.js';
import type { CertificationRequest } from '../../src/x509/pkcs10.js';

/**
 * A digest, in hex, of transactionID (DER), key, requested names and the certificate that asks, if one does. PKCSReq and
 * RenewalReq are alike, and other names under the same transactionID are another request.
 * @param key,requester fingerprints
 */
export function transactionId(
  scepTransactionId: Uint8Array,
  { subject, extensions }: CertificationRequest,
  key: string,
  requester: string | undefined,
): string {
  const alternatives = findExtension(extensions, idCeSubjectAltName);
  // DER values say themselves where they end, so that nothing can move from one into the next.
  const hash = createHash('sha256')
    .update(`enroll ${key} ${requester ?? '-'}\0`)
    .update(scepTransactionId)
    .update(subject);
  if (alternatives !== undefined) hash.update(alternatives.value);
  return hash.digest('hex');
}
