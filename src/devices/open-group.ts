/** The group that a device is to be in. */
import { GatewayError } from '../errors.js';
import type { DeviceGroup } from '../model/device-group.js';
import { quote } from '../policy/safe-text.js';

/** @throws GatewayError `not-found`; `invalid-state` for one that takes no new devices: a disabled or a dynamic one */
export function requireOpenGroup(name: string, groups: ReadonlyMap<string, DeviceGroup>): DeviceGroup {
  const group = groups.get(name);
  if (group === undefined) {
    throw new GatewayError('not-found', `there is no device group ${quote(name)}; apply one first`);
  }
  if (group.filter !== undefined) {
    throw new GatewayError(
      'invalid-state',
      `device group ${name} is dynamic: devices are in it by what they are; name a static one`,
    );
  }
  if (!group.enabled) {
    throw new GatewayError(
      'invalid-state',
      `device group ${name} takes no new devices; enable it, or name another one`,
    );
  }
  return group;
}
