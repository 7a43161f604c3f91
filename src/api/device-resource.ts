/** The device that a call is about, and what answers say of devices. */
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { describeDevice } from '../devices/describe-device.js';
import { requireDevice } from '../devices/find-device.js';
import { GatewayError, HttpError } from '../errors.js';
import type { DeviceGroup } from '../model/device-group.js';
import { quote } from '../policy/safe-text.js';
import type { AuditEventRecord } from '../store/audit-repository.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { DeviceRecord } from '../store/device-record.js';
import { revocationReasonOf } from '../x509/crl.js';
import type { certificateOfDeviceSchema, deviceWithCertificatesSchema, eventOfDeviceSchema } from './device-schemas.js';
import type { ApiServices } from './services.js';

/** @throws GatewayError `not-found`, also for one of another division */
export async function findVisibleDevice(
  { params, scope }: { readonly params: { readonly id: string }; readonly scope: Scope },
  services: ApiServices,
): Promise<DeviceRecord> {
  const device = await requireDevice(params.id, services);
  if (!covers(scope, device.division)) throw new GatewayError('not-found', 'there is no such device');
  return device;
}

/** @throws HttpError 422, also for one of another division */
export function requireVisibleGroup(name: string, scope: Scope, { catalog }: ApiServices): DeviceGroup {
  const group = catalog().groups.get(name);
  if (group !== undefined && covers(scope, group.division)) return group;
  throw new HttpError(422, 'malformed-request', `there is no device group ${quote(name)}`);
}

/** As a GET of the device answers it. */
export async function deviceResource(
  record: DeviceRecord,
  { store, clock }: ApiServices,
): Promise<z.input<typeof deviceWithCertificatesSchema>> {
  const summary = await store.certificates.summaryOfDevice({ deviceId: record.id, at: clock.now().getTime() });
  const { valid = 0, held = 0, validUntil = null } = summary ?? {};
  return {
    ...describeDevice(record),
    certificates: { valid, held, ...(validUntil === null ? {} : { validUntil: timeText(validUntil) }) },
  };
}

export function certificateOfDevice(record: CertificateRecord, now: Date): z.input<typeof certificateOfDeviceSchema> {
  const { id, issuerId, serialNumber, subject, policy, profile, usage, protocol, revokedAt, revocationReason } = record;
  const reason = revocationReason === null ? undefined : revocationReasonOf(revocationReason);
  return {
    id,
    issuer: issuerId,
    serialNumber,
    status: record.status === 'valid' && record.notAfter < now.getTime() ? 'expired' : record.status,
    subject,
    policy,
    profile,
    usage,
    protocol,
    issuedAt: timeText(record.issuedAt),
    notBefore: timeText(record.notBefore),
    notAfter: timeText(record.notAfter),
    ...(revokedAt === null ? {} : { revokedAt: timeText(revokedAt) }),
    ...(reason === undefined ? {} : { revocationReason: reason }),
  };
}

const contentSchema = z.record(z.string(), z.unknown());

export function eventOfDevice({
  sequence,
  id,
  at,
  action,
  outcome,
  subject,
  content,
}: AuditEventRecord): z.input<typeof eventOfDeviceSchema> {
  const all = contentSchema.parse(JSON.parse(content));
  const details = Object.fromEntries(Object.entries(all).filter(([name]) => !columns.has(name)));
  return { sequence, id, at: timeText(at), action, outcome, subject, details };
}

/** What the content repeats of the event's own members. */
const columns: ReadonlySet<string> = new Set(['id', 'at', 'action', 'outcome', 'subject']);

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
