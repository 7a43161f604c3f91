/** Requests that wait for people, and those that people have decided, as programs read them. */
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { deviceOf } from '../enrollment/device-of-request.js';
import { alternativeNamesOf } from '../enrollment/searchable-names.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { decodeMessage } from '../enrollment/stored-message.js';
import { decodeIdentity, decodeRequest } from '../enrollment/stored-request.js';
import { GatewayError } from '../errors.js';
import { certificateId } from '../store/certificate-record.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';
import { formatName } from '../x509/names.js';
import { keyFingerprint } from '../x509/public-key.js';
import { divisionOf } from './visible.js';

/** What is listed: what was answered at once has a certificate, and is found by that. */
export const openStates = ['pending', 'approved', 'rejected'] as const;

const time = z.iso.datetime();

export const requestSchema = z
  .strictObject({
    id: z.string().describe('the X-Request-Id that its client saw'),
    state: z.enum([...openStates, 'issued']),
    kind: z
      .enum(['certificate', 'revocation', 'message'])
      .describe('what is asked for; `message`: the answer to another message of a protocol'),
    policy: z.string(),
    group: z.string().nullable().describe('the device group, where the label named it'),
    division: z.string().nullable(),
    device: z
      .string()
      .nullable()
      .describe('the name of the device that it is about, whether that is registered or not'),
    protocol: z.string(),
    operation: z.string().nullable(),
    subject: z.string().nullable().describe('RFC 4514 text; of the certificate to be revoked, where that is asked for'),
    subjectAltNames: z.array(z.string()).describe('each its type, a colon, its value'),
    keyFingerprint: z
      .string()
      .nullable()
      .describe('SHA-256 of the SubjectPublicKeyInfo, lower-case hex; null where the gateway makes the key'),
    reason: z.string().nullable().describe('of the revocation that is asked for'),
    certificate: z.string().nullable().describe('the id of the certificate that was issued, or is to be revoked'),
    requester: z.string().nullable().describe('who has asked'),
    credentials: z.array(z.string()).describe('the names of the credentials that it was made with'),
    remoteAddress: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
    expiresAt: time.describe('until when it waits, or its answer is kept'),
    approvals: z.array(
      z.strictObject({ by: z.string(), at: time, comment: z.string().nullable() }).meta({ id: 'Approval' }),
    ),
    approvalsNeeded: z.number().int(),
    decidedBy: z.string().nullable(),
    comment: z.string().nullable().describe('what was said with its rejection, to the device too'),
  })
  .meta({ id: 'Request' });
export type RequestJson = z.output<typeof requestSchema>;

type Services = Pick<EnrollmentServices, 'store' | 'catalog'>;

/** @throws GatewayError `not-found`, also for one of a division that the scope leaves out */
export async function requireVisibleRequest(
  id: string,
  scope: Scope,
  { store, catalog }: Services,
): Promise<EnrollmentTransactionRecord> {
  const transaction = await store.enrollmentTransactions.findByRequestId({ requestId: id });
  if (transaction !== undefined && covers(scope, divisionOf(transaction.policy, catalog()))) return transaction;
  throw new GatewayError('not-found', 'there is no request of this id, or its answer is not kept any more');
}

export async function requestJson(
  transaction: EnrollmentTransactionRecord,
  { store, catalog }: Services,
): Promise<RequestJson> {
  const { requestId, state, policy, groupName, protocol, createdAt, updatedAt, expiresAt } = transaction;
  const approvals = await store.enrollmentTransactions.approvals({ requestId });
  const wish = describeWish(transaction);
  return {
    id: requestId,
    state,
    ...wish,
    policy,
    group: groupName,
    division: divisionOf(policy, catalog()) ?? null,
    device: (await deviceOf(transaction, { store })) ?? null,
    protocol,
    certificate: answerOf(transaction) ?? wish.certificate,
    ...describeRequester(transaction),
    createdAt: timeText(createdAt),
    updatedAt: timeText(updatedAt),
    expiresAt: timeText(expiresAt),
    // Those of before names were kept are known by whom they stand for.
    approvals: approvals.map(({ approver, name, at, comment }) => ({
      by: name ?? approver,
      at: timeText(at),
      comment,
    })),
    approvalsNeeded: catalog().policies.get(policy)?.policy.approval === 'two-people' ? 2 : 1,
    decidedBy: transaction.decidedBy,
    comment: transaction.reason,
  };
}

type Wish = Pick<
  RequestJson,
  'kind' | 'operation' | 'subject' | 'subjectAltNames' | 'keyFingerprint' | 'reason' | 'certificate' | 'remoteAddress'
>;

const nothing = {
  kind: 'certificate',
  operation: null,
  subject: null,
  subjectAltNames: [],
  keyFingerprint: null,
  reason: null,
  certificate: null,
  remoteAddress: null,
} as const;

/** What was answered at once keeps no wishes: the certificate says it all. */
export function describeWish({ request }: EnrollmentTransactionRecord): Wish {
  if (request === '{}') return { ...nothing, subjectAltNames: [] };
  const message = decodeMessage(request);
  switch (message?.kind) {
    case 'revocation': {
      const { issuerId, serialNumber, subject, reason, remoteAddress } = message;
      const certificate = certificateId(issuerId, serialNumber);
      return {
        ...nothing,
        subjectAltNames: [],
        kind: 'revocation',
        operation: 'revoke',
        subject,
        reason,
        certificate,
        remoteAddress,
      };
    }
    case 'message':
      return { ...nothing, subjectAltNames: [], kind: 'message', operation: message.operation };
    case undefined: {
      const { operation, remoteAddress, requested } = decodeRequest(request);
      const { subject, extensions, subjectPublicKeyInfo: key } = requested;
      return {
        ...nothing,
        operation,
        remoteAddress,
        subject: formatName(subject),
        subjectAltNames: alternativeNamesOf(extensions),
        keyFingerprint: key === undefined ? null : keyFingerprint(key),
      };
    }
  }
}

function describeRequester({ identity }: EnrollmentTransactionRecord): Pick<RequestJson, 'requester' | 'credentials'> {
  if (identity === '{}') return { requester: null, credentials: [] };
  const { requester, credentials } = decodeIdentity(identity);
  return { requester, credentials: credentials.map(({ name }) => name) };
}

function answerOf({ certificateIssuer, certificateSerial }: EnrollmentTransactionRecord): string | undefined {
  if (certificateIssuer === null || certificateSerial === null) return undefined;
  return certificateId(certificateIssuer, certificateSerial);
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
