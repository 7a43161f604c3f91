/** RFC 8894 section 3.2.1.4: failInfo, and what it is for each of the gateway's errors. */

import type { ErrorCode } from '../../src/errors.js';

export type FailInfo = 'badAlg' | 'badMessageCheck' | 'badRequest' | 'badTime' | 'badCertId';

export const failInfoNumbers: Readonly<Record<FailInfo, number>> = {
  badAlg: 0,
  badMessageCheck: 1,
  badRequest: 2,
  badTime: 3,
  badCertId: 4,
};

/**
 * Undefined for what is answered by an HTTP status instead: a FAILURE ends the transaction, and none of these says that
 * the request is bad.
 */
export const failInfos: Readonly<Record<ErrorCode, FailInfo | undefined>> = {
  'malformed-request': 'badRequest',
  'unsupported-operation': 'badRequest',
  'unsupported-algorithm': 'badAlg',
  'invalid-signature': 'badMessageCheck',
  'invalid-proof-of-possession': 'badRequest',
  'stale-message': 'badTime',
  'unacceptable-key': 'badRequest',
  'rejected-name': 'badRequest',
  'rejected-profile': 'badRequest',
  'rejected-power': 'badRequest',
  'bad-secret': 'badRequest',
  'untrusted-signer': 'badMessageCheck',
  'revoked-requester': 'badRequest',
  forbidden: 'badRequest',
  'invalid-state': 'badRequest',
  'unknown-certificate': 'badCertId',
  'already-revoked': 'badRequest',
  'already-confirmed': 'badRequest',
  'duplicate-transaction': 'badRequest',
  'duplicate-request': 'badRequest',
  'not-found': 'badCertId',
  'rate-limited': undefined,
  unavailable: undefined,
  internal: undefined,
};
