/** Registers a device before it asks for anything: for policies that take registered devices only. */
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { DeviceGroup } from '../model/device-group.js';
import { nameSchema } from '../model/label.js';
import { isFitForDeviceName } from '../policy/device-name.js';
import { hasUnsafeCharacters, quote } from '../policy/safe-text.js';
import type { Change } from '../store/change.js';
import type { DeviceRecord } from '../store/device-repository.js';
import type { EnrollmentServices } from './services.js';

export interface NewDevice {
  /** As its credential, serial number or common name will have it: upper and lower case differ. */
  readonly name: string;
  /** The group also says the division. */
  readonly group: string;
  /** Serial number, hardware id …: what profiles may put into certificates. */
  readonly identifiers: ReadonlyMap<string, string>;
  readonly attributes: ReadonlyMap<string, string>;
  /** Who wants it, for the audit log. */
  readonly requestedBy: string;
}

type RegistrationServices = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>;

/** What is to be committed for a device to be on record. */
export interface Registration {
  readonly device: DeviceRecord;
  /** Refused as 'unavailable' where the division has a device of this name. */
  readonly change: Change;
}

/**
 * @throws GatewayError as planRegistration does, and `duplicate-request` if the division has a device of this name; 'unavailable'
 * if it gets one at the same time
 */
export async function registerDevice(wanted: NewDevice, services: RegistrationServices): Promise<DeviceRecord> {
  const { store } = services;
  const { device, change } = planRegistration(wanted, services);
  const { division, name } = device;
  if ((await store.devices.findByName({ division, name })) !== undefined) {
    throw new GatewayError('duplicate-request', `division ${division} has a device ${quote(name)} already`);
  }
  await store.commit(change);
  return device;
}

/**
 * Whether the name is free, the commit says.
 * @throws GatewayError `rejected-name`, `malformed-request`, `not-found` for an unknown group, `forbidden` for a disabled one
 */
export function planRegistration(wanted: NewDevice, services: RegistrationServices): Registration {
  const { store, clock, catalog } = services;
  const { name, identifiers, attributes, requestedBy } = wanted;
  if (!isFitForDeviceName(name)) {
    throw new GatewayError('rejected-name', 'the name of a device is 1 to 255 characters, none of them invisible');
  }
  requireFields('identifier', identifiers);
  requireFields('attribute', attributes);
  const group = requireOpenGroup(wanted.group, catalog().groups);
  const { division } = group;
  const now = clock.now();
  const device: DeviceRecord = {
    id: createIdentifier(),
    division,
    name,
    groupName: group.name,
    state: 'registered',
    identifiers: JSON.stringify(Object.fromEntries(identifiers)),
    attributes: JSON.stringify(Object.fromEntries(attributes)),
    createdAt: now.getTime(),
    updatedAt: now.getTime(),
  };
  const event = createAuditRecord({
    at: now,
    action: 'device.registered',
    outcome: 'success',
    subject: device.id,
    details: {
      requestedBy,
      division,
      group: group.name,
      device: name,
      identifiers: Object.fromEntries(identifiers),
      attributes: Object.fromEntries(attributes),
    },
  });
  return { device, change: { statements: [store.devices.insert(device)], audit: [event] } };
}

const maximumFields = 32;
const longestValue = 255;

function requireFields(noun: string, fields: ReadonlyMap<string, string>): void {
  if (fields.size > maximumFields) {
    throw new GatewayError('malformed-request', `a device has at most ${maximumFields} ${noun}s`);
  }
  for (const [name, value] of fields) {
    if (!nameSchema.safeParse(name).success) {
      throw new GatewayError(
        'malformed-request',
        `${quote(name)} cannot name an ${noun}: 1 to 64 of the characters A-Z a-z 0-9 . _ - are expected, a letter or digit first`,
      );
    }
    if (value === '' || value.length > longestValue || hasUnsafeCharacters(value)) {
      throw new GatewayError(
        'malformed-request',
        `the value of ${noun} ${name} is to be 1 to ${longestValue} characters, none of them invisible`,
      );
    }
  }
}

function requireOpenGroup(name: string, groups: ReadonlyMap<string, DeviceGroup>): DeviceGroup {
  const group = groups.get(name);
  if (group === undefined) {
    throw new GatewayError('not-found', `there is no device group ${quote(name)}; apply one first`);
  }
  if (!group.enabled) {
    throw new GatewayError('forbidden', `device group ${name} takes no new devices; enable it, or name another one`);
  }
  return group;
}
