/** The device that a change is about, and whether it may be changed at all. */
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import { quote } from '../policy/safe-text.js';
import type { DeviceRecord } from '../store/device-record.js';

/** @throws GatewayError `not-found` */
export async function requireDevice(id: string, { store }: Pick<EnrollmentServices, 'store'>): Promise<DeviceRecord> {
  const device = await store.devices.findById({ id });
  if (device === undefined) throw new GatewayError('not-found', 'there is no such device');
  return device;
}

/** @throws GatewayError `invalid-state` */
export function requireNotRetired({ name, state }: Pick<DeviceRecord, 'name' | 'state'>): void {
  if (state !== 'retired') return;
  throw new GatewayError(
    'invalid-state',
    `device ${quote(name)} is retired, which is for good; register the one that takes its place under another name`,
  );
}
