/** What a PKCS #10 request asks for, once it is known to be signed by its own key. */

import type { EnrollmentRequest } from '../../src/enrollment/request.js';
import type { CertificationRequest } from '../../src/x509/pkcs10.js';
import { requestHash, verifyProofOfPossession } from './decode.js';
import { readRequestedNames } from './requested-names.js';
import { transactionId } from './transaction-id.js';

/**
 * Verifies the proof of possession and reads the wishes. `operation` is EST's name for it; `requester` the DER of the
 * certificate that authenticates the request, if one does.
 * @throws GatewayError
 */
export function readSignedRequest(
  operation: string,
  csr: CertificationRequest,
  requester: Uint8Array | undefined,
): Pick<EnrollmentRequest, 'transactionId' | 'requested' | 'changesNames'> {
  verifyProofOfPossession(csr);
  const { subjectPublicKeyInfo } = csr;
  const names = readRequestedNames(csr, requester);
  const { subject, extensions, changesNames } = names;
  const hash = requestHash(csr);
  return {
    transactionId: transactionId(operation, names, subjectPublicKeyInfo),
    requested: { subjectPublicKeyInfo, subject, extensions, ...(hash === undefined ? {} : { requestHash: hash }) },
    ...(changesNames ? { changesNames } : {}),
  };
}
