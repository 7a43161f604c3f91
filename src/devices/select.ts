/** The devices of a group: a static one's by an index, a dynamic one's by looking at all of its division. */
import { isMember } from '../enrollment/group-member.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { DeviceGroup } from '../model/device-group.js';
import type { DeviceRecord } from '../store/device-record.js';
import { type DeviceOrder, devicesInOrder } from './in-order.js';

interface GroupPage {
  /** Fewer than the limit, or none, also where more follow. */
  readonly devices: readonly DeviceRecord[];
  /** Where to go on; undefined at the end. */
  readonly next?: string;
}

interface Place {
  /** `next` of the page before. */
  readonly after?: string;
  readonly limit: number;
}

type SelectionServices = Pick<EnrollmentServices, 'store'>;

/** So many are looked at for one page. */
const maximumLooked = 5000;
const pageSize = 500;
const byName: DeviceOrder = { by: 'name', descending: false };

/** Those that are in the group when they are asked for: of a static one by id, of a dynamic one by name. */
export async function devicesOfGroup(
  group: DeviceGroup,
  { after = '', limit }: Place,
  { store }: SelectionServices,
): Promise<GroupPage> {
  if (group.filter === undefined) {
    const devices = await store.devices.ofGroup({ groupName: group.name, after, limit });
    const last = devices.at(-1);
    return devices.length < limit || last === undefined ? { devices } : { devices, next: last.id };
  }
  // No id is as great as this one: what follows the name begins with the next one.
  const position = after === '' ? undefined : { value: after, id: '\u{10ffff}' };
  const devices: DeviceRecord[] = [];
  let looked = 0;
  for await (const device of devicesInOrder([group.division], byName, position, { devices: store.devices })) {
    if (isMember(device, group)) devices.push(device);
    if (++looked === maximumLooked || devices.length === limit) return { devices, next: device.name };
  }
  return { devices };
}

/** All of them, for jobs: however many there are, few are held at a time. Devices that come meanwhile may be among them. */
export async function* eachDeviceOf(group: DeviceGroup, services: SelectionServices): AsyncGenerator<DeviceRecord> {
  for (let after: string | undefined; ; ) {
    const place = after === undefined ? { limit: pageSize } : { after, limit: pageSize };
    const { devices, next } = await devicesOfGroup(group, place, services);
    yield* devices;
    if (next === undefined) return;
    after = next;
  }
}
