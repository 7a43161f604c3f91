/** PKIStatusInfo (RFC 9810 5.2.3) and ErrorMsgContent (5.3.21). */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { namedBits, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { encodeNumber, encodeTexts, readNumber, readTexts } from './building-blocks.js';

/** In the order of their numbers. */
export const pkiStatuses = [
  'accepted',
  'grantedWithMods',
  'rejection',
  'waiting',
  'revocationWarning',
  'revocationNotification',
  'keyUpdateWarning',
] as const;

export type PkiStatus = (typeof pkiStatuses)[number];

/** PKIFailureInfo (RFC 9810 appendix F), in the order of its bits. */
export const failInfos = [
  'badAlg',
  'badMessageCheck',
  'badRequest',
  'badTime',
  'badCertId',
  'badDataFormat',
  'wrongAuthority',
  'incorrectData',
  'missingTimeStamp',
  'badPOP',
  'certRevoked',
  'certConfirmed',
  'wrongIntegrity',
  'badRecipientNonce',
  'timeNotAvailable',
  'unacceptedPolicy',
  'unacceptedExtension',
  'addInfoNotAvailable',
  'badSenderNonce',
  'badCertTemplate',
  'signerNotTrusted',
  'transactionIdInUse',
  'unsupportedVersion',
  'notAuthorized',
  'systemUnavail',
  'systemFailure',
  'duplicateCertReq',
] as const;

export type FailInfo = (typeof failInfos)[number];

export interface PkiStatusInfo {
  readonly status: PkiStatus;
  /** Sentences for people. */
  readonly statusString?: readonly string[] | undefined;
  readonly failInfo?: readonly FailInfo[] | undefined;
}

/** Encodes a PKIStatusInfo; an empty list is left out. */
export function encodePkiStatusInfo({ status, statusString = [], failInfo = [] }: PkiStatusInfo): Uint8Array {
  return sequence(
    smallInteger(pkiStatuses.indexOf(status)),
    statusString.length > 0 ? encodeTexts(statusString) : undefined,
    failInfo.length > 0 ? namedBits(failInfo.map((name) => failInfos.indexOf(name))) : undefined,
  );
}

/** Reads a PKIStatusInfo as the next value; bits that have no name are left out, an unknown status is a DerError. */
export function readPkiStatusInfo(reader: DerReader): PkiStatusInfo {
  return reader.sequence((s) => {
    const at = s.offset;
    const status = pkiStatuses[readNumber(s)];
    if (status === undefined) throw new DerError('unknown PKIStatus', at);
    const statusString = s.optional(Tag.sequence, readTexts);
    const bits = s.optional(Tag.bitString, (b) => b.namedBits());
    return {
      status,
      ...(statusString && { statusString }),
      ...(bits && { failInfo: failInfos.filter((_, bit) => bits.has(bit)) }),
    };
  });
}

export interface ErrorMessage {
  readonly statusInfo: PkiStatusInfo;
  readonly errorCode?: number | undefined;
  /** Sentences for people. */
  readonly errorDetails?: readonly string[] | undefined;
}

/** Encodes ErrorMsgContent. @throws RangeError for an errorCode below -128 */
export function encodeErrorMessage({ statusInfo, errorCode, errorDetails = [] }: ErrorMessage): Uint8Array {
  return sequence(
    encodePkiStatusInfo(statusInfo),
    errorCode === undefined ? undefined : encodeNumber(errorCode),
    errorDetails.length > 0 ? encodeTexts(errorDetails) : undefined,
  );
}

/** Decodes ErrorMsgContent: clients send it, too. @throws DerError */
export function decodeErrorMessage(der: Uint8Array): ErrorMessage {
  return DerReader.decode(der, (r) =>
    r.sequence((e) => ({
      statusInfo: readPkiStatusInfo(e),
      errorCode: e.optional(Tag.integer, readNumber),
      errorDetails: e.optional(Tag.sequence, readTexts),
    })),
  );
}
