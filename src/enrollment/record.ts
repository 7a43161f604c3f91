/** What the enrollment flow leaves in the audit log. */
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import type { Trace } from '../policy/decision.js';
import type { Identity } from '../policy/identity.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord } from '../store/change.js';
import { remoteNetwork } from '../x509/remote-network.js';
import type { Issuance } from './issuance.js';
import type { DecidedOperation, EnrollmentRequest, RefusedMessage } from './request.js';
import { supersessionRecord } from './revoke.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

/** The events of an issuance: the certificate's, the device's if it is new, and one for each certificate it replaces. */
export function issuanceRecords(
  issuance: Issuance,
  certificate: CertificateRecord,
  superseded: readonly CertificateRecord[],
): AuditRecord[] {
  const { request, identity, facts, decision, answer, now } = issuance;
  const records = [
    createAuditRecord({
      // The issuance of an approved request is an event of its own beside the request's.
      ...(answer.state === 'none' ? { id: request.requestId } : {}),
      at: now,
      action: 'certificate.issued',
      outcome: 'success',
      subject: certificate.id,
      device: certificate.deviceId,
      details: {
        requestId: request.requestId,
        job: request.job,
        protocol: request.protocol,
        operation: request.operation,
        remoteAddress: request.remoteAddress,
        requester: describeIdentity(identity),
        division: facts.policy.division,
        policy: facts.policy.name,
        group: facts.group.name,
        profile: facts.profile.name,
        usage: facts.usage,
        device: facts.deviceName,
        name: certificate.subject,
        fingerprint: certificate.certificateFingerprint,
        key: certificate.keyFingerprint,
        notAfter: decision.issuance.notAfter,
        ...(certificate.confirmBy === null ? {} : { confirmBy: new Date(certificate.confirmBy) }),
        modified: decision.modified,
        trace: decision.trace,
      },
    }),
  ];
  if (facts.usage !== 'service' && facts.device === undefined && certificate.deviceId !== null) {
    records.push(
      createAuditRecord({
        at: now,
        action: 'device.registered',
        outcome: 'success',
        subject: certificate.deviceId,
        device: certificate.deviceId,
        details: {
          requestId: request.requestId,
          job: request.job,
          division: facts.policy.division,
          group: facts.group.name,
          device: facts.deviceName,
        },
      }),
    );
  }
  const holder = { division: facts.policy.division, device: facts.deviceName };
  return [
    ...records,
    ...superseded.map((old) => supersessionRecord(old, { supersededBy: certificate.id, holder }, now)),
  ];
}

interface Refused {
  readonly target?: EnrollmentTarget;
  readonly identity?: Identity;
  readonly operation?: DecidedOperation;
  /** The id of the device on record that it was about; only who has authenticated names one. */
  readonly device?: string;
  readonly trace?: Trace;
}

/** Writes the event of a refusal. Where even that fails the log has to do: the refusal itself must reach the client. */
export async function recordRefusal(
  request: EnrollmentRequest,
  { target, identity, operation, device, trace }: Refused,
  error: unknown,
  services: EnrollmentServices,
): Promise<void> {
  const { code, reason } = describeError(error);
  const recording = commitRefusal(
    {
      id: request.requestId,
      action: 'request.refused',
      countedBy: identity === undefined ? remoteNetwork(request.remoteAddress) : undefined,
      device,
      details: {
        remoteAddress: request.remoteAddress,
        job: request.job,
        protocol: request.protocol,
        operation: operation ?? request.operation,
        label: request.label,
        code,
        reason,
        requester: identity && describeIdentity(identity),
        division: target?.resolved.policy.division,
        policy: target?.resolved.policy.name,
        trace,
      },
    },
    services,
  );
  // With the database in trouble the event may take as long as the request did: the client should not wait for both.
  if (code !== 'unavailable') await recording;
}

/** A message that is no enrollment. `requester`: who has sent it, if that is known. */
export type RecordedMessage = Omit<RefusedMessage, 'code' | 'reason'> & { readonly requester?: string };

/** Writes the event of a refused message that never became a request. */
export async function recordRefusedMessage(
  { requestId, ...details }: RefusedMessage & RecordedMessage,
  services: EnrollmentServices,
): Promise<void> {
  const countedBy = details.requester === undefined ? remoteNetwork(details.remoteAddress) : undefined;
  await commitRefusal({ id: requestId, action: 'request.refused', countedBy, details }, services);
}

interface RefusalEvent {
  readonly id: string;
  readonly action: 'request.refused' | 'access.refused' | 'change.refused';
  /** By what the recorded ones are counted; undefined for those that are all recorded. */
  readonly countedBy: string | undefined;
  readonly device?: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Nobody must be able to fill the disk with what they are refused: beyond this many a minute the log has to do. */
const recordedRefusalsPerMinute = 600;

/** Writes the event of a refusal, as long as there are not too many. Where it cannot be written the log has to do. */
export async function commitRefusal(
  { id, action, countedBy, device, details }: RefusalEvent,
  { store, clock, log, refusals }: Pick<EnrollmentServices, 'store' | 'clock' | 'log' | 'refusals'>,
): Promise<void> {
  if (countedBy !== undefined) {
    if (refusals.count(countedBy) >= recordedRefusalsPerMinute) {
      log.warn({ requestId: id, ...details }, 'a refusal was not recorded: there are too many from this address');
      return;
    }
    refusals.add(countedBy);
  }
  const record = createAuditRecord({
    id,
    at: clock.now(),
    action,
    outcome: 'refused',
    subject: id,
    device,
    details,
  });
  try {
    await store.commit({ statements: [], audit: [record] });
  } catch (err) {
    log.error({ err, requestId: id, ...details }, 'a refusal could not be recorded');
  }
}

/** For the audit log: the code, and the reason with what only the operator may know. */
export function describeError(error: unknown): { code: string; reason: string } {
  if (error instanceof GatewayError)
    return {
      code: error.code,
      reason: typeof error.cause === 'string' ? `${error.message} (${error.cause})` : error.message,
    };
  return { code: 'internal', reason: error instanceof Error ? error.message : String(error) };
}

/** Who it was, for people: names of credentials, never their secrets. */
export function describeIdentity({ requester, credentials, issuedCertificate }: Identity): Record<string, unknown> {
  return {
    id: requester,
    credentials: credentials.map(({ kind, name, username }) => ({ kind, name, username })),
    certificate: issuedCertificate && `${issuedCertificate.issuerId}:${issuedCertificate.serialNumber}`,
  };
}
