/** Registers a device before it asks for anything: for policies that take registered devices only. */
import type { Actor } from '../audit/actor.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { DeviceGroup } from '../model/device-group.js';
import { isFitForDeviceName } from '../policy/device-name.js';
import { quote } from '../policy/safe-text.js';
import type { Change, Statement } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { Store } from '../store/store.js';
import { deviceEvent } from './device-event.js';
import { type Fields, fieldsJson, requireFields } from './fields.js';
import { requireOpenGroup } from './open-group.js';
import { whileOvertaken } from './overtaken.js';

export interface NewDevice {
  /** As its credential, serial number or common name will have it: upper and lower case differ. */
  readonly name: string;
  /** The group also says the division. */
  readonly group: string;
  /** Serial number, hardware id …: what profiles may put into certificates. */
  readonly identifiers: Fields;
  readonly attributes: Fields;
  readonly actor: Actor;
  /** Writes that must stand or fall with it. */
  readonly accompanying?: (device: DeviceRecord) => readonly Statement[];
}

type RegistrationServices = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>;

/** What is to be committed for a device to be on record. */
export interface Registration {
  readonly device: DeviceRecord;
  /** Refused as 'unavailable' where the division has a device of this name. */
  readonly change: Change;
}

/**
 * @throws GatewayError as planRegistration does, and `duplicate-request` if the division has a device of this name
 */
export async function registerDevice(wanted: NewDevice, services: RegistrationServices): Promise<DeviceRecord> {
  const { store } = services;
  return await whileOvertaken(async () => {
    const { device, change } = planRegistration(wanted, services);
    const { division, name } = device;
    if ((await store.devices.findByName({ division, name })) !== undefined) {
      throw new GatewayError('duplicate-request', `division ${division} has a device ${quote(name)} already`);
    }
    await store.commit(change);
    return device;
  });
}

/**
 * For many at once: whether the names are free, the commit says.
 * @throws GatewayError `rejected-name`, `malformed-request`, `not-found` for an unknown group, `invalid-state` for a disabled
 * or dynamic one
 */
function planRegistration(
  { name, group, identifiers, attributes, actor, accompanying }: NewDevice,
  { store, clock, catalog }: RegistrationServices,
): Registration {
  requireDeviceName(name);
  requireFields('identifier', identifiers);
  requireFields('attribute', attributes);
  const place = requireOpenGroup(group, catalog().groups);
  const { device, change } = registration({ name, identifiers, attributes, actor }, place, { store, now: clock.now() });
  return { device, change: { ...change, statements: [...change.statements, ...(accompanying?.(device) ?? [])] } };
}

/** @throws GatewayError `rejected-name` */
export function requireDeviceName(name: string): void {
  if (isFitForDeviceName(name)) return;
  throw new GatewayError('rejected-name', 'the name of a device is 1 to 255 characters, none of them invisible');
}

/** What registers a device of which everything has been checked. */
export function registration(
  { name, identifiers, attributes, actor }: Omit<NewDevice, 'group' | 'accompanying'>,
  { name: group, division }: Pick<DeviceGroup, 'name' | 'division'>,
  { store, now }: { readonly store: Pick<Store, 'devices'>; readonly now: Date },
): Registration {
  const device: DeviceRecord = {
    id: createIdentifier(),
    division,
    name,
    groupName: group,
    state: 'registered',
    identifiers: fieldsJson(identifiers),
    attributes: fieldsJson(attributes),
    createdAt: now.getTime(),
    updatedAt: now.getTime(),
  };
  const fields = { identifiers: Object.fromEntries(identifiers), attributes: Object.fromEntries(attributes) };
  const event = deviceEvent('device.registered', device, { actor, at: now }, fields);
  return { device, change: { statements: store.devices.register(device), audit: [event] } };
}
