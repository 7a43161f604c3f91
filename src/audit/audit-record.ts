/** Audit events: what happened, to what, on whose behalf. */
import { createIdentifier } from '../identifier.js';
import type { AuditRecord } from '../store/change.js';
import { type Actor, byActor } from './actor.js';

export type AuditAction =
  | 'certificate.issued'
  | 'certificate.revoked'
  | 'certificate.held'
  | 'certificate.released'
  | 'certificate.confirmed'
  | 'certificate.rejected'
  | 'certificate.lapsed'
  | 'certificate.replacement-planned'
  | 'certificate.replacement-cancelled'
  | 'request.refused'
  | 'request.pending'
  | 'request.approval'
  | 'request.approved'
  | 'request.rejected'
  | 'request.withdrawn'
  | 'access.refused'
  | 'change.refused'
  | 'account.opened'
  | 'device.registered'
  | 'device.suspended'
  | 'device.resumed'
  | 'device.retired'
  | 'device.changed'
  | 'device.moved'
  | 'device.deleted'
  | 'device.compromised'
  | 'device.passphrase-set'
  | 'catalog.applied'
  | 'catalog.removed'
  | 'credential.created'
  | 'credential.changed'
  | 'credential.revoked'
  | 'credential.removed'
  | 'user.created'
  | 'user.changed'
  | 'user.enabled'
  | 'user.disabled'
  | 'user.deleted'
  | 'user.password-set'
  | 'user.certificate-added'
  | 'user.certificate-removed'
  | 'api-key.created'
  | 'api-key.revoked'
  | 'ca.created'
  | 'ca.staged'
  | 'ca.cross-certified'
  | 'ca.linked'
  | 'ca.unlinked'
  | 'ca.imported'
  | 'ca.requested'
  | 'ca.certified'
  | 'ca.taken-offline'
  | 'ca.signed-offline'
  | 'ca.activated'
  | 'ca.dropped'
  | 'ca.revoked'
  | 'ca.refused'
  | 'ca.key-lost'
  | 'ca.key-found'
  | 'ca.key-refused'
  | 'key.changed'
  | 'crl.published'
  | 'unmanaged-ca.created'
  | 'unmanaged-ca.reported'
  | 'unmanaged-ca.crl-watched'
  | 'unmanaged-ca.revoked'
  | 'job.created'
  | 'job.loaded'
  | 'job.started'
  | 'job.paused'
  | 'job.resumed'
  | 'job.cancelled'
  | 'job.finished'
  | 'job.deleted'
  | 'job.archive-opened'
  | 'job.keys-destroyed'
  | 'database.restored';

interface AuditEvent {
  /** A request's own event has the request's id, so that what a client saw can be looked up. */
  readonly id?: string;
  readonly at: Date;
  readonly action: AuditAction;
  readonly outcome: 'success' | 'refused' | 'pending';
  /** The id of what it is about. */
  readonly subject: string;
  /** The id of the device whose history it belongs to. */
  readonly device?: string | null | undefined;
  /** Everything else that is worth keeping; no secrets. */
  readonly details: Readonly<Record<string, unknown>>;
}

export function createAuditRecord(event: AuditEvent): AuditRecord {
  return toRecord(event);
}

/** What an actor has done. Its details say first who that is. */
export function createActionRecord(
  actor: Actor,
  { details, ...event }: Omit<AuditEvent, 'id' | 'outcome'>,
): AuditRecord {
  return toRecord({ ...event, outcome: 'success', details: { ...byActor(actor), ...details } });
}

/** An event of a protocol's own, which names its actions itself. */
export function createProtocolAuditRecord(
  event: Omit<AuditEvent, 'action'> & { readonly action: string },
): AuditRecord {
  return toRecord(event);
}

function toRecord({
  id = createIdentifier(),
  at,
  action,
  outcome,
  subject,
  device,
  details,
}: Omit<AuditEvent, 'action'> & { readonly action: string }): AuditRecord {
  const fields = { id, at: at.getTime(), action, outcome, subject };
  if (device === null || device === undefined) return { ...fields, content: JSON.stringify({ ...fields, ...details }) };
  return { ...fields, device, content: JSON.stringify({ ...fields, ...details, deviceId: device }) };
}
