/** The device that a call is about, and what answers say of it. */
import type { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { describeDevice } from '../devices/describe-device.js';
import { requireDevice } from '../devices/find-device.js';
import { GatewayError, HttpError } from '../errors.js';
import type { DeviceGroup } from '../model/device-group.js';
import { quote } from '../policy/safe-text.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { deviceWithCertificatesSchema } from './device-schemas.js';
import type { Call } from './operation.js';
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

/** The same for one that is to be changed. @throws HttpError 412 if it is not as the caller has seen it */
export async function findUnchangedDevice(
  call: Pick<Call<{ readonly id: string }, unknown, unknown>, 'params' | 'scope' | 'requireMatch'>,
  services: ApiServices,
): Promise<DeviceRecord> {
  const device = await findVisibleDevice(call, services);
  call.requireMatch(await deviceResource(device, services));
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

export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
