/** Devices as a configuration file has them: what makes them so, as a part of one change with the rest of the file. */
import type { Actor } from '../audit/actor.js';
import type { DeviceGroup } from '../model/device-group.js';
import type { Change } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { Store } from '../store/store.js';
import { fieldsChange } from './change-device.js';
import { type Fields, fieldsOf, requireFields } from './fields.js';
import { moveEvent } from './move-device.js';
import { requireOpenGroup } from './open-group.js';
import { registration, requireDeviceName } from './register-device.js';

export interface DeviceDeclaration {
  readonly name: string;
  readonly identifiers: Fields;
  readonly attributes: Fields;
}

/**
 * What is wrong with the place of a device: that of a new one, or another one of one that there is.
 * @throws GatewayError `not-found`, `invalid-state`
 */
export function checkPlace(
  group: string,
  stored: DeviceRecord | undefined,
  groups: ReadonlyMap<string, DeviceGroup>,
): void {
  if (stored?.groupName !== group) requireOpenGroup(group, groups);
}

/** @throws GatewayError `rejected-name`, `malformed-request` */
export function checkDeclaration({ name, identifiers, attributes }: DeviceDeclaration): void {
  requireDeviceName(name);
  requireFields('identifier', identifiers);
  requireFields('attribute', attributes);
}

interface DeclarationServices {
  readonly store: Pick<Store, 'devices'>;
  readonly now: Date;
  readonly actor: Actor;
}

/** Refused as 'unavailable' if the device has been registered or changed since. `group`: of the division that it is in. */
export function deviceChange(
  declaration: DeviceDeclaration,
  group: Pick<DeviceGroup, 'name' | 'division'>,
  stored: DeviceRecord | undefined,
  { store, now, actor }: DeclarationServices,
): Change {
  if (stored === undefined) return registration({ ...declaration, actor }, group, { store, now }).change;
  const moved = moveTo(group, stored, { store, now, actor });
  const { identifiers, attributes } = declaration;
  const change = fieldsChange({ device: moved.device, identifiers, attributes, actor }, { store, now });
  return {
    statements: [...moved.change.statements, ...(change?.statements ?? [])],
    audit: [...moved.change.audit, ...(change?.audit ?? [])],
  };
}

/** The device as it is afterwards, for what changes it further. */
function moveTo(
  group: Pick<DeviceGroup, 'name' | 'division'>,
  device: DeviceRecord,
  { store, now, actor }: DeclarationServices,
): { readonly device: DeviceRecord; readonly change: Change } {
  if (group.name === device.groupName) return { device, change: { statements: [], audit: [] } };
  const { id, name, division, updatedAt: seenAt } = device;
  const at = now.getTime();
  const move = store.devices.move({ id, seenAt, name, division, groupName: group.name, at });
  return {
    // As the store moves it on.
    device: { ...device, groupName: group.name, updatedAt: Math.max(at, seenAt + 1) },
    change: { statements: [move], audit: [moveEvent(device, group, { now, actor })] },
  };
}

/** Everything that a declaration leaves out is as it is. */
export function completeDeclaration(
  name: string,
  wanted: { readonly identifiers?: Fields | undefined; readonly attributes?: Fields | undefined },
  stored: DeviceRecord | undefined,
): DeviceDeclaration {
  return {
    name,
    identifiers: wanted.identifiers ?? (stored ? fieldsOf(stored.identifiers) : new Map()),
    attributes: wanted.attributes ?? (stored ? fieldsOf(stored.attributes) : new Map()),
  };
}
