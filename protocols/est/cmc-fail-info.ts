/** RFC 5272 section 6.1.4: CMCFailInfo, and what it is for each of the gateway's errors. */

import type { ErrorCode } from '../../src/errors.js';

export type CmcFailInfo =
  | 'badAlg'
  | 'badMessageCheck'
  | 'badRequest'
  | 'badTime'
  | 'badCertId'
  | 'unsupportedExt'
  | 'mustArchiveKeys'
  | 'badIdentity'
  | 'popRequired'
  | 'popFailed'
  | 'noKeyReuse'
  | 'internalCAError'
  | 'tryLater'
  | 'authDataFail';

export const cmcFailInfoNumbers: Readonly<Record<CmcFailInfo, number>> = {
  badAlg: 0,
  badMessageCheck: 1,
  badRequest: 2,
  badTime: 3,
  badCertId: 4,
  unsupportedExt: 5,
  mustArchiveKeys: 6,
  badIdentity: 7,
  popRequired: 8,
  popFailed: 9,
  noKeyReuse: 10,
  internalCAError: 11,
  tryLater: 12,
  authDataFail: 13,
};

export const cmcFailInfos: Readonly<Record<ErrorCode, CmcFailInfo>> = {
  'malformed-request': 'badRequest',
  'unsupported-operation': 'badRequest',
  'unsupported-algorithm': 'badAlg',
  'invalid-signature': 'badMessageCheck',
  'invalid-proof-of-possession': 'popFailed',
  'stale-message': 'badTime',
  'unacceptable-key': 'badRequest',
  'rejected-name': 'badRequest',
  'rejected-profile': 'badRequest',
  'rejected-power': 'badRequest',
  'bad-secret': 'badIdentity',
  'untrusted-signer': 'badMessageCheck',
  'revoked-requester': 'badRequest',
  forbidden: 'badRequest',
  'invalid-state': 'badRequest',
  'unknown-certificate': 'badCertId',
  'already-revoked': 'badRequest',
  'already-confirmed': 'badRequest',
  'duplicate-transaction': 'badRequest',
  'duplicate-request': 'badRequest',
  'not-found': 'badRequest',
  'rate-limited': 'tryLater',
  unavailable: 'tryLater',
  internal: 'internalCAError',
};
