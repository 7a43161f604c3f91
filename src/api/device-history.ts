/** What a device has had, and what has happened to it: its certificates and its events. */
import { z } from 'zod';
import { statusOf } from '../certificates/status.js';
import type { AuditEventRecord } from '../store/audit-repository.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { revocationReasonOf } from '../x509/crl.js';
import { findVisibleDevice, timeText } from './device-resource.js';
import { certificateOfDeviceSchema, deviceParams, eventOfDeviceSchema } from './device-schemas.js';
import { defineOperation, type Operation } from './operation.js';
import { cutPage, pageOf, pageQuery, readCursor, writeCursor } from './page.js';
import type { ApiServices } from './services.js';

const tag = 'Devices';

export function deviceHistoryOperations(services: ApiServices): readonly Operation[] {
  return [certificatesOperation(services), eventsOperation(services)];
}

const certificatePosition = z.tuple([z.int(), z.string()]);

function certificatesOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'listCertificatesOfDevice',
    method: 'get',
    path: '/devices/{id}/certificates',
    tag,
    summary: 'List the certificates of a device, latest first',
    permission: 'certificate:read',
    status: 200,
    params: deviceParams,
    query: z.strictObject(pageQuery),
    answer: pageOf(certificateOfDeviceSchema),
    handle: async (call) => {
      const { id: deviceId } = await findVisibleDevice(call, services);
      const { limit, cursor } = call.query;
      const [issuedAt, id] = readCursor(cursor, certificatePosition) ?? [];
      const after = issuedAt === undefined || id === undefined ? {} : { after: { issuedAt, id } };
      const found = await services.store.certificates.list({ deviceId, ...after, limit: limit + 1 });
      const { items, last } = cutPage(found, limit);
      const now = services.clock.now();
      return {
        value: {
          items: items.map((record) => certificateOfDevice(record, now)),
          ...(last ? { next: writeCursor([last.issuedAt, last.id]) } : {}),
        },
      };
    },
  });
}

function eventsOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'listEventsOfDevice',
    method: 'get',
    path: '/devices/{id}/events',
    tag,
    summary: 'List what has happened to a device, latest first',
    description:
      'From the audit log: registration, enrollments, renewals, refusals, revocations, changes and moves. Events of its certificates are among them.',
    permission: 'device:read',
    status: 200,
    params: deviceParams,
    query: z.strictObject(pageQuery),
    answer: pageOf(eventOfDeviceSchema),
    handle: async (call) => {
      const { id: device } = await findVisibleDevice(call, services);
      const { limit, cursor } = call.query;
      const before = readCursor(cursor, z.int());
      const place = before === undefined ? {} : { before };
      const found = await services.store.audit.list({ device, ...place, limit: limit + 1 });
      const { items, last } = cutPage(found, limit);
      return {
        value: { items: items.map(eventOfDevice), ...(last ? { next: writeCursor(last.sequence) } : {}) },
      };
    },
  });
}

function certificateOfDevice(record: CertificateRecord, now: Date): z.input<typeof certificateOfDeviceSchema> {
  const { id, issuerId, serialNumber, subject, policy, profile, usage, protocol, revokedAt, revocationReason } = record;
  const reason = revocationReason === null ? undefined : revocationReasonOf(revocationReason);
  return {
    id,
    issuer: issuerId,
    serialNumber,
    status: statusOf(record, now),
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

function eventOfDevice({
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
