/** Suspends devices and resumes them: a suspended one gets nothing, and keeps what it has. */
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import type { DeviceState } from '../model/device.js';
import { quote } from '../policy/safe-text.js';
import type { DeviceRecord } from '../store/device-repository.js';
import type { EnrollmentServices } from './services.js';

export interface DeviceChange {
  readonly id: string;
  /** Who wants it, for the audit log. */
  readonly requestedBy: string;
}

type DeviceServices = Pick<EnrollmentServices, 'store' | 'clock'>;

/** @throws GatewayError `not-found`, and `invalid-state` for a device that is suspended already, or retired */
export async function suspendDevice(change: DeviceChange, services: DeviceServices): Promise<void> {
  const device = await requireDevice(change.id, services);
  requireNotRetired(device);
  if (device.state === 'suspended') {
    throw new GatewayError('invalid-state', `device ${quote(device.name)} is suspended already`);
  }
  await moveTo('suspended', 'device.suspended', device, change, services);
}

/**
 * Gives the device the state that its certificates speak for, and returns it. While it is suspended it gets none, so that they
 * are those that it had before.
 * @throws GatewayError `not-found`, and `invalid-state` for a device that is not suspended
 */
export async function resumeDevice(change: DeviceChange, services: DeviceServices): Promise<DeviceState> {
  const device = await requireDevice(change.id, services);
  requireNotRetired(device);
  if (device.state !== 'suspended') {
    throw new GatewayError('invalid-state', `device ${quote(device.name)} is ${device.state}, not suspended`);
  }
  const usages = await services.store.certificates.usagesByDevice({ deviceId: device.id });
  const state = stateFor(new Set(usages.map(({ usage }) => usage)));
  await moveTo(state, 'device.resumed', device, change, services);
  return state;
}

/** @throws GatewayError `not-found` */
export async function requireDevice(id: string, { store }: Pick<EnrollmentServices, 'store'>): Promise<DeviceRecord> {
  const device = await store.devices.findById({ id });
  if (device === undefined) throw new GatewayError('not-found', 'there is no such device');
  return device;
}

/** The guard that enrollments and these changes share looks at the time: it must move, whatever the clock does. */
export function timeAfter({ updatedAt }: Pick<DeviceRecord, 'updatedAt'>, at: Date): number {
  return Math.max(at.getTime(), updatedAt + 1);
}

function requireNotRetired({ name, state }: DeviceRecord): void {
  if (state !== 'retired') return;
  throw new GatewayError(
    'invalid-state',
    `device ${quote(name)} is retired, which is for good; register the one that takes its place under another name`,
  );
}

/** As enrollments leave it (device.ts). */
function stateFor(usages: ReadonlySet<string>): DeviceState {
  if (usages.size === 0) return 'registered';
  return usages.size === 1 && usages.has('bootstrap') ? 'provisioned' : 'operational';
}

async function moveTo(
  to: DeviceState,
  action: 'device.suspended' | 'device.resumed',
  device: DeviceRecord,
  { requestedBy }: DeviceChange,
  { store, clock }: DeviceServices,
): Promise<void> {
  const { id, division, groupName, name, state: from } = device;
  const now = clock.now();
  await store.commit({
    statements: [store.devices.setState({ id, from, to, at: timeAfter(device, now) })],
    audit: [
      createAuditRecord({
        at: now,
        action,
        outcome: 'success',
        subject: id,
        details: { requestedBy, division, group: groupName, device: name, from, to },
      }),
    ],
  });
}
