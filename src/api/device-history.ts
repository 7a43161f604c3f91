/** What a device has had, and what has happened to it: its certificates and its events. */
import { z } from 'zod';
import { readEvent } from '../audit/search-events.js';
import { certificateOutline, reasonOf } from '../certificates/describe.js';
import type { AuditEventRecord } from '../store/audit-repository.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { cutPage } from '../store/page-in-parts.js';
import { eventPosition } from './audit-events.js';
import { certificatePosition } from './certificate-query.js';
import { findVisibleDevice, timeText } from './device-resource.js';
import { certificateOfDeviceSchema, deviceParams, eventOfDeviceSchema } from './device-schemas.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, sortBy, sortedPage } from './sorted-list.js';

const tag = 'Devices';

export function deviceHistoryOperations(services: ApiServices): readonly Operation[] {
  return [certificatesOperation(services), eventsOperation(services)];
}

function certificatesOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'listCertificatesOfDevice',
    method: 'get',
    path: '/devices/{id}/certificates',
    tag,
    summary: 'List the certificates of a device',
    permission: 'certificate:read',
    status: 200,
    params: deviceParams,
    query: z.strictObject({ ...pageQuery, sort: sortBy(['issuedAt', 'notAfter']).default('-issuedAt') }),
    answer: pageOf(certificateOfDeviceSchema),
    handle: async (call) => {
      const { id: deviceId } = await findVisibleDevice(call, services);
      const { order, limit, ...place } = askedPage(call.query, certificatePosition);
      const part = { conditions: { deviceId }, order, ...place, limit: limit + 1 };
      const found = await services.store.certificates.search(part);
      const { items, next } = cutPage(found, limit, ({ id, [order.by]: at }) => ({ at, id }));
      const now = services.clock.now();
      const described = items.map((record) => certificateOfDevice(record, now));
      return sortedPage(described, call.query.sort, next);
    },
  });
}

function eventsOperation(services: ApiServices): Operation {
  return defineOperation({
    id: 'listEventsOfDevice',
    method: 'get',
    path: '/devices/{id}/events',
    tag,
    summary: 'List what has happened to a device',
    description:
      'From the audit log: registration, enrollments, renewals, refusals, revocations, changes and moves. Events of its certificates are among them.',
    permission: 'device:read',
    status: 200,
    params: deviceParams,
    query: z.strictObject({ ...pageQuery, sort: sortBy(['at'], 'in the order of the log').default('-at') }),
    answer: pageOf(eventOfDeviceSchema),
    handle: async (call) => {
      const { id: device } = await findVisibleDevice(call, services);
      const { order, limit, ...place } = askedPage(call.query, eventPosition);
      const asked = { device, ascending: !order.descending, ...place, limit: limit + 1, window: limit + 1 };
      const { found } = await services.store.audit.search(asked);
      const { items, next } = cutPage(found, limit, ({ at, sequence }) => ({ at, sequence }));
      return sortedPage(items.map(eventOfDevice), call.query.sort, next);
    },
  });
}

function certificateOfDevice(record: CertificateRecord, now: Date): z.input<typeof certificateOfDeviceSchema> {
  const { policy, profile, protocol, revokedAt } = record;
  const reason = reasonOf(record);
  return {
    ...certificateOutline(record, now),
    policy,
    profile,
    protocol,
    ...(revokedAt === null ? {} : { revokedAt: timeText(revokedAt) }),
    ...(reason === null ? {} : { revocationReason: reason }),
  };
}

function eventOfDevice(record: AuditEventRecord): z.input<typeof eventOfDeviceSchema> {
  const { at, hash: _hash, ...event } = readEvent(record);
  return { ...event, at: at.toISOString() };
}
