/** Audit events about devices: each names the device, and where it is. */
import type { Actor } from '../audit/actor.js';
import { type AuditAction, createActionRecord } from '../audit/audit-record.js';
import type { AuditRecord } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';

/** What an actor has done to a device, for its history too. A device that was moved is where it is then. */
export function deviceEvent(
  action: Extract<AuditAction, `device.${string}`>,
  { id, division, groupName, name }: Pick<DeviceRecord, 'id' | 'division' | 'groupName' | 'name'>,
  { actor, at }: { readonly actor: Actor; readonly at: Date },
  details: Readonly<Record<string, unknown>>,
): AuditRecord {
  return createActionRecord(actor, {
    at,
    action,
    subject: id,
    device: id,
    details: { division, group: groupName, device: name, ...details },
  });
}
