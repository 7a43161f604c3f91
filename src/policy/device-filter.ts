/** Whether a device is in a dynamic group. */
import type { Device } from '../model/device.js';
import type { DeviceCondition, DeviceFilter } from '../model/device-filter.js';

/** What the device has not got equals nothing, and begins with nothing. */
export function matchesFilter(filter: DeviceFilter, device: Device): boolean {
  if ('all' in filter) return filter.all.every((part) => matchesFilter(part, device));
  if ('any' in filter) return filter.any.some((part) => matchesFilter(part, device));
  if ('not' in filter) return !matchesFilter(filter.not, device);
  return holds(filter, fieldValue(filter.field, device));
}

function holds(condition: DeviceCondition, value: string | undefined): boolean {
  if ('exists' in condition) return condition.exists === (value !== undefined);
  if (value === undefined) return false;
  if ('equals' in condition) return value === condition.equals;
  if ('in' in condition) return condition.in.includes(value);
  return value.startsWith(condition.startsWith);
}

function fieldValue(field: string, device: Device): string | undefined {
  if (field === 'name' || field === 'group' || field === 'state' || field === 'division') return device[field];
  const dot = field.indexOf('.');
  const members = field.slice(0, dot) === 'identifiers' ? device.identifiers : device.attributes;
  const name = field.slice(dot + 1);
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
