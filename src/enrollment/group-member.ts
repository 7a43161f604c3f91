/** Whether a device on record is in a group. */
import type { DeviceGroup } from '../model/device-group.js';
import { matchesFilter } from '../policy/device-filter.js';
import type { DeviceRecord } from '../store/device-record.js';
import { deviceOf } from './device.js';

/** Of a dynamic group: whether its filter fits the device as it is. */
export function isMember(device: DeviceRecord, { name, division, filter }: DeviceGroup): boolean {
  if (filter === undefined) return device.groupName === name;
  return device.division === division && matchesFilter(filter, deviceOf(device));
}
