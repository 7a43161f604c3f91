/** What a PKIHeader has to be (RFC 9483 3.1 and 3.5), whoever sent it. */

import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/policy-view.js';
import { decoding } from '../../src/x509/decoding.js';
import { Tag } from '../../src/x509/der.js';
import { decodeConfirmWaitTime, decodeUtf8Texts } from './asn1/general-message.js';
import {
  idItCertProfile,
  idItConfirmWaitTime,
  idItImplicitConfirm,
  idItOrigPkiMessage,
  idItRevPassphrase,
} from './asn1/oids.js';
import type { PkiHeader } from './asn1/pki-header.js';
import type { BodyType } from './asn1/pki-message.js';
import { CmpError } from './errors.js';

/** A header that has passed: what an operation goes on with. */
export interface CheckedHeader {
  readonly transactionId: Uint8Array;
  readonly senderNonce: Uint8Array;
  /** Whether the client wants to send no certConf. */
  readonly implicitConfirm: boolean;
  /** The name of the certificate profile that the client has chosen. */
  readonly certProfile?: string;
}

/** The versions of RFC 9810 section 7. @throws GatewayError */
export function checkVersion({ pvno }: Pick<PkiHeader, 'pvno'>): void {
  if (pvno === lowestVersion || pvno === highestVersion) return;
  throw new CmpError(
    'unsupportedVersion',
    `the version is ${pvno}; ${lowestVersion} and ${highestVersion} are supported`,
  );
}

/** The version to answer with: the message's, or the nearest that is supported. */
export function answerVersion(pvno: number | undefined): number {
  return Math.min(Math.max(pvno ?? lowestVersion, lowestVersion), highestVersion);
}

/** @throws GatewayError */
export function checkHeader(header: PkiHeader, bodyType: BodyType, { cmp }: PolicyView, now: Date): CheckedHeader {
  const transactionId = checkTransactionId(header, bodyType);
  const senderNonce = checkSenderNonce(header);
  // A nested message may be around any: what it holds tells.
  if (!continuing.has(bodyType) && bodyType !== 'nested' && header.recipNonce !== undefined) {
    throw new CmpError('badRecipientNonce', 'the first message of an operation has no recipNonce');
  }
  checkMessageTime(header, cmp, now);
  // RFC 9810 appendix B: a client whose passphrase was passed over in silence would rely on it.
  if (header.generalInfo.some(({ id }) => id === idItRevPassphrase)) {
    throw new CmpError('badRequest', 'revPassphrase is taken in the body of a genm only');
  }
  requireEachOnce(header);
  const implicitConfirm = checkConfirmation(header, bodyType);
  const certProfile = readCertProfile(header);
  return { transactionId, senderNonce, implicitConfirm, ...(certProfile === undefined ? {} : { certProfile }) };
}

const lowestVersion = 2;
const highestVersion = 3;

/** Messages of an operation that another message has begun. */
const continuing: ReadonlySet<BodyType> = new Set<BodyType>(['certConf', 'pollReq', 'popdecr', 'error']);
const requestTypes: ReadonlySet<BodyType> = new Set<BodyType>(['ir', 'cr', 'kur', 'p10cr', 'ccr']);

/** RFC 9483 3.1. */
export const transactionIdOctets = 16;
const nonceOctets = { minimum: 16, maximum: 64 };

function checkTransactionId({ transactionId }: PkiHeader, bodyType: BodyType): Uint8Array {
  if (transactionId === undefined) {
    throw new CmpError(continuing.has(bodyType) ? 'badRequest' : 'badDataFormat', 'the message has no transactionID');
  }
  if (transactionId.length !== transactionIdOctets) {
    throw new CmpError('badRequest', `the transactionID has ${transactionId.length} octets instead of 16`);
  }
  return transactionId;
}

function checkSenderNonce({ senderNonce }: PkiHeader): Uint8Array {
  const length = senderNonce?.length ?? 0;
  if (senderNonce === undefined || length < nonceOctets.minimum || length > nonceOctets.maximum) {
    throw new CmpError('badSenderNonce', `the senderNonce has ${length} octets instead of 16 to 64`);
  }
  return senderNonce;
}

function checkMessageTime({ messageTime }: PkiHeader, cmp: PolicyView['cmp'], now: Date): void {
  if (messageTime === undefined) {
    if (!cmp.requireMessageTime) return;
    throw new GatewayError('stale-message', 'the message has no messageTime');
  }
  if (Math.abs(messageTime.getTime() - now.getTime()) <= cmp.clockTolerance * 1000) return;
  throw new GatewayError(
    'stale-message',
    `the messageTime ${seconds(messageTime)} is too far from the gateway's time, ${seconds(now)}`,
  );
}

/** Of two, one would be left unread. */
function requireEachOnce({ generalInfo }: PkiHeader): void {
  for (const [id, name] of singular) {
    if (generalInfo.filter((info) => info.id === id).length > 1) {
      throw new CmpError('badRequest', `generalInfo has ${name} more than once`);
    }
  }
}

const singular: ReadonlyMap<string, string> = new Map([
  [idItImplicitConfirm, 'implicitConfirm'],
  [idItConfirmWaitTime, 'confirmWaitTime'],
  [idItCertProfile, 'certProfile'],
  [idItOrigPkiMessage, 'origPKIMessage'],
]);

function checkConfirmation({ generalInfo }: PkiHeader, bodyType: BodyType): boolean {
  const implicitConfirm = generalInfo.find(({ id }) => id === idItImplicitConfirm);
  const waitTime = generalInfo.find(({ id }) => id === idItConfirmWaitTime);
  if (implicitConfirm !== undefined) {
    const { value } = implicitConfirm;
    if (value === undefined || value.length !== 2 || value[0] !== Tag.null) {
      throw new CmpError('badRequest', 'the value of implicitConfirm must be NULL');
    }
    if (waitTime !== undefined)
      throw new CmpError('badRequest', 'implicitConfirm and confirmWaitTime exclude each other');
    if (!requestTypes.has(bodyType)) throw new CmpError('badRequest', `implicitConfirm has no place in a ${bodyType}`);
  }
  if (waitTime !== undefined) {
    decoding('confirmWaitTime', () => decodeConfirmWaitTime(waitTime.value ?? new Uint8Array()));
  }
  return implicitConfirm !== undefined;
}

/** RFC 9483 3.1: one name; an empty one is none (RFC 9810 5.1.1.4). */
function readCertProfile({ generalInfo }: PkiHeader): string | undefined {
  const info = generalInfo.find(({ id }) => id === idItCertProfile);
  if (info === undefined) return undefined;
  const [name, ...others] = decoding('certProfile', () => decodeUtf8Texts(info.value ?? new Uint8Array()));
  if (others.length > 0) throw new CmpError('badRequest', 'certProfile must name one profile');
  return name === '' ? undefined : name;
}

function seconds(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, 'Z');
}
