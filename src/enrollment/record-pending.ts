/** Requests that wait for people: what the list of requests keeps of them, and their event in the audit log. */
import { createAuditRecord } from '../audit/audit-record.js';
import type { Method } from '../model/protocol-name.js';
import type { Trace } from '../policy/decision.js';
import type { Identity } from '../policy/identity.js';
import { certificateId } from '../store/certificate-record.js';
import type { Statement } from '../store/change.js';
import { useStatements } from './credential-use.js';
import { describeIdentity } from './record.js';
import { pendingResult } from './recorded-result.js';
import type { DecidedOperation, EnrollmentRequest } from './request.js';
import type { Pending } from './result.js';
import type { EnrollmentServices } from './services.js';
import { encodeMessage, type StoredMessage } from './stored-message.js';
import { encodeIdentity, encodeRequest } from './stored-request.js';
import type { EnrollmentTarget } from './target.js';
import type { RecordedAnswer } from './transaction.js';

/** Whose request it is, where it was sent to, and why it waits. */
interface Circumstances {
  readonly target: EnrollmentTarget;
  readonly identity: Identity;
  readonly now: Date;
  /** The id of the device on record that it is about. */
  readonly device?: string | undefined;
  readonly trace: Trace;
}

interface PendingRequest extends Circumstances {
  readonly request: EnrollmentRequest & { readonly operation: DecidedOperation };
  readonly key: string | undefined;
  readonly conversation: string | undefined;
  readonly answer: RecordedAnswer;
}

/** Keeps a request until a person has decided. It uses its credentials up now: that is when they were shown. */
export async function recordPending(
  { request, key, conversation, answer, ...circumstances }: PendingRequest,
  services: EnrollmentServices,
): Promise<Pending> {
  const { identity, now, target } = circumstances;
  const { protocol, operation, remoteAddress, requestId } = request;
  const uses = identity.credentials.flatMap((credential) => useStatements(credential, now, services.store));
  return await record(
    {
      ...circumstances,
      protocol,
      operation,
      remoteAddress,
      requestId,
      // Without a transaction of its protocol the request can still be approved, only not be asked for again.
      key: key ?? requestId,
      conversation: conversation ?? null,
      expiredBy: answer.state === 'none' ? answer.expiredBy : now.getTime(),
      stored: encodeRequest(request),
      // After the insert: a repeat that came at the same time has to find this transaction, not a credential used up.
      statements: [...uses, ...(request.accompanying?.(pendingResult(request, target)) ?? [])],
    },
    services,
  );
}

interface PendingMessage extends Circumstances {
  readonly message: {
    readonly protocol: Method;
    readonly operation: string;
    readonly remoteAddress: string;
    readonly requestId: string;
    readonly accompanying?: (pending: Pending) => readonly Statement[];
  };
  readonly stored: StoredMessage;
}

/** Keeps a message that asks for no certificate until a person has decided. No credential is used up by it. */
export async function recordPendingMessage(
  { message, stored, ...circumstances }: PendingMessage,
  services: EnrollmentServices,
): Promise<Pending> {
  const { protocol, operation, remoteAddress, requestId, accompanying } = message;
  return await record(
    {
      ...circumstances,
      protocol,
      operation,
      remoteAddress,
      requestId,
      key: requestId,
      conversation: null,
      expiredBy: circumstances.now.getTime(),
      stored: encodeMessage(stored),
      statements: accompanying?.(pendingResult({ requestId }, circumstances.target)) ?? [],
      details: describeWish(stored),
    },
    services,
  );
}

function describeWish(stored: StoredMessage): Record<string, unknown> {
  if (stored.kind === 'message') return {};
  const { issuerId, serialNumber, subject, reason, invalidityDate } = stored;
  return { certificate: certificateId(issuerId, serialNumber), name: subject, reason, invalidityDate };
}

interface Waiting extends Circumstances {
  readonly requestId: string;
  readonly protocol: Method;
  readonly operation: string;
  readonly remoteAddress: string;
  readonly key: string;
  readonly conversation: string | null;
  readonly expiredBy: number;
  /** JSON text: the request without secrets. */
  readonly stored: string;
  readonly statements: readonly Statement[];
  /** What else the event says. */
  readonly details?: Readonly<Record<string, unknown>>;
}

async function record(waiting: Waiting, { store }: EnrollmentServices): Promise<Pending> {
  const { requestId, protocol, operation, remoteAddress, target, identity, now, trace } = waiting;
  const { policy } = target.resolved;
  const at = now.getTime();
  await store.commit({
    statements: [
      store.catalog.requireStill({ kind: 'policy', name: policy.name }),
      store.enrollmentTransactions.insert({
        key: waiting.key,
        requestId,
        policy: policy.name,
        groupName: target.isGroupNamed ? target.group.name : null,
        protocol,
        state: 'pending',
        request: waiting.stored,
        identity: encodeIdentity(identity),
        trace: JSON.stringify(trace),
        certificateIssuer: null,
        certificateSerial: null,
        createdAt: at,
        updatedAt: at,
        expiresAt: at + policy.approvalTimeout * 1000,
        decidedBy: null,
        reason: null,
        conversation: waiting.conversation,
        expiredBy: waiting.expiredBy,
      }),
      ...waiting.statements,
    ],
    audit: [
      createAuditRecord({
        id: requestId,
        at: now,
        action: 'request.pending',
        outcome: 'pending',
        subject: requestId,
        device: waiting.device,
        details: {
          protocol,
          operation,
          remoteAddress,
          requester: describeIdentity(identity),
          division: policy.division,
          policy: policy.name,
          group: target.group.name,
          ...waiting.details,
          trace,
        },
      }),
    ],
  });
  return pendingResult({ requestId }, target);
}
