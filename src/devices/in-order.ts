/** Devices of several divisions in one order: as many are read as are taken, and a few of each division besides. */
import type { DevicePosition, DeviceSortKey } from '../store/device-lists.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { Store } from '../store/store.js';

export interface DeviceOrder {
  readonly by: DeviceSortKey;
  readonly descending: boolean;
}

/** Where a device stands in an order. */
export function positionOf(device: DeviceRecord, { by }: DeviceOrder): DevicePosition {
  return { value: device[by], id: device.id };
}

/** As the store sorts: text by its code points. */
export function comparePositions(a: DevicePosition, b: DevicePosition, { descending }: DeviceOrder): number {
  const order = compare(a.value, b.value) || compare(a.id, b.id);
  return descending ? -order : order;
}

/** Devices of the divisions after a position. */
export async function* devicesInOrder(
  divisions: readonly string[],
  order: DeviceOrder,
  after: DevicePosition | undefined,
  { devices }: Pick<Store, 'devices'>,
): AsyncGenerator<DeviceRecord> {
  const lanes: Lane[] = divisions.map((division) => ({ division, waiting: [], after, isAtEnd: false }));
  for (;;) {
    for (const lane of lanes) await refill(lane, order, devices);
    let first: Lane | undefined;
    for (const lane of lanes) {
      if (lane.waiting.length > 0 && (first === undefined || isBefore(lane, first, order))) first = lane;
    }
    const device = first?.waiting.pop();
    if (device === undefined) return;
    yield device;
  }
}

interface Lane {
  readonly division: string;
  /** In reverse, so that the first is the last. */
  waiting: DeviceRecord[];
  after: DevicePosition | undefined;
  isAtEnd: boolean;
}

const chunkSize = 200;

async function refill(lane: Lane, order: DeviceOrder, devices: Store['devices']): Promise<void> {
  if (lane.waiting.length > 0 || lane.isAtEnd) return;
  const { division, after } = lane;
  const page = await devices.sorted({ division, ...order, ...(after ? { after } : {}), limit: chunkSize });
  const last = page.at(-1);
  lane.isAtEnd = page.length < chunkSize;
  lane.after = last && positionOf(last, order);
  lane.waiting = page.reverse();
  // Reads answer at once: without a pause nobody else would have a turn.
  await new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Lane, b: Lane, order: DeviceOrder): boolean {
  const [first, second] = [a.waiting.at(-1), b.waiting.at(-1)];
  if (first === undefined || second === undefined) return false;
  return comparePositions(positionOf(first, order), positionOf(second, order), order) < 0;
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}
