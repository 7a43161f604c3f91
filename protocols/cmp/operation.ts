/** PKI management operations: which messages belong to one, and what is kept of it until it ends (RFC 9483 section 4). */

import { hash } from 'node:crypto';
import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/policy-view.js';
import { decodePkiMessage, type PkiMessage } from './asn1/pki-message.js';
import type { CmpContext } from './context.js';
import { CmpError } from './errors.js';
import { type CheckedHeader, checkHeader, transactionIdOctets } from './header-checks.js';
import type { CmpRequest } from './request.js';
import type { Protection } from './sender.js';
import type { TransactionRecord, TransactionState, TransactionWrite } from './store.js';

/**
 * When an operation that began at `start` is forgotten that waits for people: later than anybody lets a request wait, since a
 * poll has to be told that the core has given it up.
 */
export function longestWait(start: Date): Date {
  return new Date(start.getTime() + 366 * 86_400_000);
}

/**
 * How long a transactionID stays in use, and its answer can be had again, after the operation has ended: an hour, or as long as
 * a copy of its message would not be too old.
 */
function memoryMilliseconds({ cmp }: PolicyView): number {
  return Math.max(3600, 2 * cmp.clockTolerance) * 1000;
}

/**
 * What is recorded of the operation that this message would begin: undefined for a new one.
 * @throws GatewayError `duplicate-transaction` unless the message is, octet by octet, the one that began it
 */
export async function findRepeated(request: CmpRequest): Promise<TransactionRecord | undefined> {
  const record = await request.transactions.find({ key: keyOf(request), now: request.now.getTime() });
  if (record === undefined) return undefined;
  if (record.messageHash === hashOf(request) && record.requester === request.sender.requester.id) return record;
  throw new GatewayError('duplicate-transaction', 'the transactionID is in use by another operation');
}

/**
 * The operation that a certConf, pollReq, popdecr or error goes on with. @throws GatewayError
 */
export async function findOperation(request: CmpRequest): Promise<TransactionRecord> {
  const { sender, message, header } = request;
  const record = await request.transactions.find({ key: keyOf(request), now: request.now.getTime() });
  if (record === undefined) throw new CmpError('badRequest', 'no operation has this transactionID', 'not-found');
  const protection = describeProtection(sender.protection);
  if ((protection === signed) !== (record.protection === signed)) {
    throw new CmpError('wrongIntegrity', 'all messages of an operation are protected alike', 'forbidden');
  }
  if (protection !== record.protection) {
    throw new CmpError('badMessageCheck', 'all messages of an operation have the same MAC algorithm', 'forbidden');
  }
  if (record.requester !== sender.requester.id) {
    throw new CmpError(
      'badRequest',
      'the message is not protected by the credential that began the operation',
      'forbidden',
    );
  }
  // Whatever is said of a certificate that needs no confirmation any more, there is one answer.
  if (message.bodyType === 'certConf' && hasEnded(record)) return record;
  if (record.clientNonces.split(' ').includes(hex(header.senderNonce))) {
    throw new CmpError('badSenderNonce', 'the senderNonce was used in this operation before');
  }
  const { recipNonce } = message.header;
  if (recipNonce === undefined || Buffer.compare(recipNonce, record.serverNonce) !== 0) {
    throw new CmpError('badRecipientNonce', 'the recipNonce is not the senderNonce of the last answer');
  }
  return record;
}

/** Whether a message belongs to an rr whose answer was made to wait: the certificate that signs it may be revoked by that. */
export async function isOfDelayedRevocation(
  { header: { transactionId }, bodyType }: PkiMessage,
  { transactions, policy, services }: CmpContext,
): Promise<boolean> {
  if ((bodyType !== 'rr' && bodyType !== 'pollReq') || transactionId?.length !== transactionIdOctets) return false;
  const key = keyOf({ policy, header: { transactionId } });
  const record = await transactions.find({ key, now: services.clock.now().getTime() });
  return record?.answerType === 'rp';
}

/** The message that began an operation, where it is kept, as the request of who has sent a later one. @throws GatewayError */
export function firstRequest(request: CmpRequest, { message, createdAt }: TransactionRecord): CmpRequest | undefined {
  if (message === null) return undefined;
  const first = decodePkiMessage(message);
  const header = checkHeader(first.header, first.bodyType, request.policy, new Date(createdAt));
  return { ...request, message: first, header: { ...header, senderNonce: request.header.senderNonce } };
}

/** What is left of an operation that has had its last answer. */
export const ended = { state: 'closed', message: null, requestId: null } as const satisfies Step;

/** What an operation is in after its first message. */
export type Beginning = Pick<TransactionRecord, 'state' | 'answerType' | 'certReqId'> &
  Partial<Pick<TransactionRecord, 'certificate' | 'isModified' | 'requestId' | 'message' | 'challenge' | 'csrHash'>> & {
    /** When what it waits for comes no more; it has ended when absent. */
    readonly waitsUntil?: Date;
  };

/** The writes that keep an operation. */
export function beginStatements(request: CmpRequest, beginning: Beginning): readonly TransactionWrite[] {
  const { transactions, header, sender, now, answerNonce } = request;
  const { waitsUntil, ...state } = beginning;
  const at = now.getTime();
  const key = keyOf(request);
  return [
    transactions.removeEnded({ key, now: at }),
    transactions.insert({
      certificate: null,
      isModified: 0,
      requestId: null,
      message: null,
      challenge: null,
      csrHash: null,
      ...state,
      key,
      requester: sender.requester.id,
      protection: describeProtection(sender.protection),
      messageHash: hashOf(request),
      clientNonces: hex(header.senderNonce),
      serverNonce: answerNonce,
      createdAt: at,
      expiresAt: (waitsUntil?.getTime() ?? at) + memoryMilliseconds(request.policy),
    }),
  ];
}

/** What changes with a further message. */
export type Step = { readonly state: TransactionState; readonly waitsUntil?: Date } & Partial<
  Pick<TransactionRecord, 'certificate' | 'isModified' | 'requestId' | 'message' | 'challenge'>
>;

/** The write that takes an operation one message further. */
export function proceedStatement(request: CmpRequest, record: TransactionRecord, step: Step): TransactionWrite {
  const { waitsUntil, ...changes } = step;
  const { key, certificate, isModified, requestId, message, challenge } = record;
  return request.transactions.proceed({
    certificate,
    isModified,
    requestId,
    message,
    challenge,
    ...changes,
    key,
    from: record.state,
    lastNonces: record.clientNonces,
    clientNonces: lastNonces(`${record.clientNonces} ${hex(request.header.senderNonce)}`),
    serverNonce: request.answerNonce,
    expiresAt: (waitsUntil ?? request.now).getTime() + memoryMilliseconds(request.policy),
  });
}

/** Whether an operation has nothing more to wait for. */
export function hasEnded({ state }: TransactionRecord): boolean {
  return state === 'confirmed' || state === 'closed';
}

const signed = 'signature';

/** All that must be the same in the messages of an operation: who polls for days must not make the record grow. */
const keptNonces = 32;

function lastNonces(nonces: string): string {
  return nonces.split(' ').slice(-keptNonces).join(' ');
}

function describeProtection(protection: Protection): string {
  if (protection.kind === 'signature') return signed;
  const { name, hashes } = protection.key.algorithm;
  return hashes.oneWay === undefined ? name : `${name} by ${hashes.oneWay}`;
}

function keyOf({ policy, header }: { policy: PolicyView; header: Pick<CheckedHeader, 'transactionId'> }): string {
  return `${policy.name}:${hex(header.transactionId)}`;
}

function hashOf({ message }: CmpRequest): string {
  return hash('sha256', message.der, 'hex');
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
