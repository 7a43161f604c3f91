/** Lists devices by what is asked for, in pages; each page costs no more than its share, however many devices there are. */
import type { Catalog } from '../catalog/catalog.js';
import { isMember } from '../enrollment/group-member.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { DeviceState } from '../model/device.js';
import type { DeviceGroup } from '../model/device-group.js';
import type { DevicePosition } from '../store/device-lists.js';
import type { DeviceRecord } from '../store/device-record.js';
import { comparePositions, type DeviceOrder, devicesInOrder, positionOf } from './in-order.js';

/** What fits fits all that is given. */
export interface DeviceSelection {
  /** Which divisions' devices there are for the one who asks. */
  readonly isVisible: (division: string) => boolean;
  readonly division?: string;
  /** Static or dynamic. */
  readonly group?: DeviceGroup;
  readonly state?: DeviceState;
  /** The whole name. */
  readonly name?: string;
  /** Part of the name or of the value of an identifier, in upper or lower case. */
  readonly search?: string;
  /** The whole value. */
  readonly identifier?: { readonly name: string; readonly value: string };
}

export interface DeviceList {
  readonly selection: DeviceSelection;
  readonly order: DeviceOrder;
  /** Where the page before ended. */
  readonly after?: DevicePosition;
  readonly limit: number;
}

export interface DevicePage {
  /** Fewer than the limit, or none, also where more follow. */
  readonly devices: readonly DeviceRecord[];
  /** Where to go on; undefined at the end. */
  readonly next?: DevicePosition;
}

interface ListServices extends Pick<EnrollmentServices, 'store'> {
  readonly catalog: () => Pick<Catalog, 'divisions'>;
}

/** So many are looked at for one page. */
const maximumLooked = 5000;
/** So many are sorted here, where an index finds what is asked for but in another order. */
const maximumSorted = 1000;

export async function listDevices(
  { selection, order, after, limit }: DeviceList,
  services: ListServices,
): Promise<DevicePage> {
  const divisions = divisionsOf(selection, services);
  const few = await findFew(selection, divisions, services);
  const fits = fitting(selection, new Set(divisions));
  if (few !== undefined) return cut(sort(few.filter(fits), order, after), order, limit);
  const found: DeviceRecord[] = [];
  let looked = 0;
  let last: DeviceRecord | undefined;
  for await (const device of devicesInOrder(divisions, order, after, services.store)) {
    if (last !== undefined && (found.length === limit || looked === maximumLooked)) {
      return { devices: found, next: positionOf(last, order) };
    }
    looked++;
    last = device;
    if (fits(device)) found.push(device);
  }
  return { devices: found };
}

function divisionsOf(
  { isVisible, division, group }: DeviceSelection,
  { catalog }: Pick<ListServices, 'catalog'>,
): readonly string[] {
  const wanted = [division, group?.division].filter((each) => each !== undefined);
  return [...catalog().divisions.keys()].filter((each) => isVisible(each) && wanted.every((other) => other === each));
}

/** All that a selective condition leaves, in any order; undefined where none leaves few. */
async function findFew(
  { name, identifier, group }: DeviceSelection,
  divisions: readonly string[],
  { store: { devices } }: ListServices,
): Promise<readonly DeviceRecord[] | undefined> {
  if (name !== undefined) {
    const found = await Promise.all(divisions.map((division) => devices.findByName({ division, name })));
    return found.filter((device) => device !== undefined);
  }
  const limit = maximumSorted + 1;
  if (identifier !== undefined) {
    const found = await devices.byIdentifier({ ...identifier, limit });
    if (found.length < limit) return found;
  }
  if (group !== undefined && group.filter === undefined) {
    const found = await devices.ofGroup({ groupName: group.name, after: '', limit });
    if (found.length < limit) return found;
  }
  return undefined;
}

function sort(
  devices: readonly DeviceRecord[],
  order: DeviceOrder,
  after: DevicePosition | undefined,
): readonly DeviceRecord[] {
  return devices
    .filter((device) => after === undefined || comparePositions(positionOf(device, order), after, order) > 0)
    .toSorted((a, b) => comparePositions(positionOf(a, order), positionOf(b, order), order));
}

function cut(devices: readonly DeviceRecord[], order: DeviceOrder, limit: number): DevicePage {
  const page = devices.slice(0, limit);
  const last = page.at(-1);
  if (last === undefined || devices.length === page.length) return { devices: page };
  return { devices: page, next: positionOf(last, order) };
}

function fitting(
  { group, state, name, search, identifier }: DeviceSelection,
  divisions: ReadonlySet<string>,
): (device: DeviceRecord) => boolean {
  const part = search?.toLowerCase();
  return (device) =>
    divisions.has(device.division) &&
    (state === undefined || device.state === state) &&
    (name === undefined || device.name === name) &&
    (group === undefined || isMember(device, group)) &&
    (part === undefined || hasPart(device, part)) &&
    (identifier === undefined || identifiersOf(device)[identifier.name] === identifier.value);
}

function hasPart(device: DeviceRecord, part: string): boolean {
  if (device.name.toLowerCase().includes(part)) return true;
  return Object.values(identifiersOf(device)).some((value) => value.toLowerCase().includes(part));
}

function identifiersOf({ identifiers }: DeviceRecord): Readonly<Record<string, string>> {
  return identifiers === '{}' ? none : JSON.parse(identifiers);
}

const none: Readonly<Record<string, string>> = Object.freeze(Object.create(null));
