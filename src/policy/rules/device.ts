/** Whether the device may have certificates under this policy. */
import type { Device } from '../../model/device.js';
import type { DeviceGroup } from '../../model/device-group.js';
import { denied, ok, type Verdict } from '../decision.js';
import { matchesFilter } from '../device-filter.js';
import type { Facts } from '../facts.js';
import type { Identity } from '../identity.js';
import { quote } from '../safe-text.js';

interface DeviceMatter {
  readonly facts: Pick<Facts, 'device' | 'deviceName' | 'group' | 'isGroupNamed' | 'policy' | 'usage'>;
  readonly identity: Identity;
}

/** The device on record, or the one that its first certificate would register. */
export function checkDevice({ facts, identity }: DeviceMatter): Verdict {
  const { device, deviceName, group, policy, usage } = facts;
  if (usage === 'service') return ok('a certificate of the gateway itself, for no device');
  const issuedTo = identity.issuedCertificate?.deviceId;
  if (device === undefined) {
    if (deviceName === undefined) {
      return denied('rejected-name', 'neither the credential nor the requested names say which device this is');
    }
    if (issuedTo !== undefined) return denied('forbidden', 'the device of the presented certificate is not on record');
    if (policy.devices === 'registered') return denied('forbidden', `device ${quote(deviceName)} is not registered`);
    if (group.filter !== undefined) {
      return denied(
        'forbidden',
        `device ${quote(deviceName)} is not registered, and the dynamic group ${group.name} takes no new devices`,
      );
    }
    if (!group.enabled) return denied('forbidden', `device group ${group.name} takes no new devices`);
    return ok(`device ${quote(deviceName)} is new, for group ${group.name}`);
  }
  const name = quote(device.name);
  if (issuedTo !== undefined && issuedTo !== device.id) {
    return denied('forbidden', `the presented certificate is of another device than ${name}`);
  }
  if (device.division !== policy.division) return denied('forbidden', `device ${name} is of another division`);
  if (facts.isGroupNamed && !isMember(device, group)) {
    return denied('forbidden', `device ${name} is not in group ${group.name}`);
  }
  if (device.state === 'suspended' || device.state === 'retired') {
    return denied('forbidden', `device ${name} is ${device.state}`);
  }
  return ok(`device ${name} is ${device.state}, in group ${device.group}`);
}

function isMember(device: Device, { name, filter }: DeviceGroup): boolean {
  return filter === undefined ? device.group === name : matchesFilter(filter, device);
}
