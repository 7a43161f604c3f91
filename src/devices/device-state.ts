/** Suspends devices and resumes them: a suspended one gets nothing, and keeps what it has. */
import type { Actor } from '../audit/actor.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { DeviceState } from '../model/device.js';
import { quote } from '../policy/safe-text.js';
import type { DeviceRecord } from '../store/device-record.js';
import { deviceEvent } from './device-event.js';
import { requireDevice, requireNotRetired } from './find-device.js';
import { whileOvertaken } from './overtaken.js';

export interface DeviceChange {
  readonly id: string;
  readonly actor: Actor;
}

type DeviceServices = Pick<EnrollmentServices, 'store' | 'clock'>;

/** @throws GatewayError `not-found`, and `invalid-state` for a device that is suspended already, or retired */
export async function suspendDevice(change: DeviceChange, services: DeviceServices): Promise<void> {
  await whileOvertaken(async () => {
    const device = await requireDevice(change.id, services);
    requireNotRetired(device);
    if (device.state === 'suspended') {
      throw new GatewayError('invalid-state', `device ${quote(device.name)} is suspended already`);
    }
    await putInto('suspended', 'device.suspended', device, change, services);
  });
}

/**
 * Gives the device the state that its certificates speak for, and returns it. While it is suspended it gets none, so that they
 * are those that it had before.
 * @throws GatewayError `not-found`, and `invalid-state` for a device that is not suspended
 */
export async function resumeDevice(change: DeviceChange, services: DeviceServices): Promise<DeviceState> {
  return await whileOvertaken(async () => {
    const device = await requireDevice(change.id, services);
    requireNotRetired(device);
    if (device.state !== 'suspended') {
      throw new GatewayError('invalid-state', `device ${quote(device.name)} is ${device.state}, not suspended`);
    }
    if ((await services.store.compromises.find({ deviceId: device.id })) !== undefined) {
      throw new GatewayError(
        'invalid-state',
        `device ${quote(device.name)} is compromised, and what it could act with is not all ended yet; wait until the gateway has done so`,
      );
    }
    const usages = await services.store.certificates.usagesByDevice({ deviceId: device.id });
    const state = stateFor(new Set(usages.map(({ usage }) => usage)));
    await putInto(state, 'device.resumed', device, change, services);
    return state;
  });
}

/** As enrollments leave it (enrollment/device.ts). */
function stateFor(usages: ReadonlySet<string>): DeviceState {
  if (usages.size === 0) return 'registered';
  return usages.size === 1 && usages.has('bootstrap') ? 'provisioned' : 'operational';
}

async function putInto(
  to: DeviceState,
  action: 'device.suspended' | 'device.resumed',
  device: DeviceRecord,
  { actor }: DeviceChange,
  { store, clock }: DeviceServices,
): Promise<void> {
  const { id, state: from, updatedAt: seenAt } = device;
  const at = clock.now();
  await store.commit({
    statements: [
      store.devices.requireUnchanged({ id, seenAt }),
      store.devices.setState({ id, from, to, at: at.getTime() }),
    ],
    audit: [deviceEvent(action, device, { actor, at }, { from, to })],
  });
}
