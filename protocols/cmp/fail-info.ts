/** PKIFailureInfo (RFC 9810 5.2.3) for each of the gateway's errors. */

import type { ErrorCode, GatewayError } from '../../src/errors.js';
import type { FailInfo } from './asn1/pki-status.js';
import { CmpError } from './errors.js';

/** What the refusal is called; a refusal that only CMP knows names it itself. */
export function failInfoOf(error: GatewayError): FailInfo {
  return error instanceof CmpError ? error.failInfo : failInfos[error.code];
}

const failInfos: Readonly<Record<ErrorCode, FailInfo>> = {
  'malformed-request': 'badDataFormat',
  'unsupported-operation': 'badRequest',
  'unsupported-algorithm': 'badAlg',
  'invalid-signature': 'badMessageCheck',
  'invalid-proof-of-possession': 'badPOP',
  'stale-message': 'badTime',
  'unacceptable-key': 'badCertTemplate',
  'rejected-name': 'badCertTemplate',
  'rejected-profile': 'badCertTemplate',
  'rejected-power': 'notAuthorized',
  'bad-secret': 'badMessageCheck',
  'untrusted-signer': 'signerNotTrusted',
  'revoked-requester': 'certRevoked',
  forbidden: 'notAuthorized',
  'invalid-state': 'badRequest',
  'unknown-certificate': 'badCertId',
  'already-revoked': 'certRevoked',
  'already-confirmed': 'certConfirmed',
  'duplicate-transaction': 'transactionIdInUse',
  'duplicate-request': 'duplicateCertReq',
  'not-found': 'badRequest',
  'rate-limited': 'systemUnavail',
  unavailable: 'systemUnavail',
  internal: 'systemFailure',
};
