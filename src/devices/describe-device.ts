/** Devices as programs read them: over the management API and from the command line. */
import type { DeviceState } from '../model/device.js';
import type { DeviceRecord } from '../store/device-record.js';
import { fieldsOf } from './fields.js';

export interface DescribedDevice {
  readonly id: string;
  readonly name: string;
  readonly division: string;
  readonly group: string;
  readonly state: DeviceState;
  readonly identifiers: Record<string, string>;
  readonly attributes: Record<string, string>;
  /** RFC 3339, as is the other time. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function describeDevice(record: DeviceRecord): DescribedDevice {
  const { id, name, division, groupName, state, createdAt, updatedAt } = record;
  return {
    id,
    name,
    division,
    group: groupName,
    state,
    identifiers: Object.fromEntries(fieldsOf(record.identifiers)),
    attributes: Object.fromEntries(fieldsOf(record.attributes)),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}
