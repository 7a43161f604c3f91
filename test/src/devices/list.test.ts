import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DeviceList, type DeviceSelection, listDevices } from '../../../src/devices/list.js';
import { devicesOfGroup, eachDeviceOf } from '../../../src/devices/select.js';
import { type DeviceGroup, deviceGroupSchema } from '../../../src/model/device-group.js';
import type { DeviceRecord } from '../../../src/store/device-record.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { cpuTimeOf } from '../../support/cpu-time.js';

const plants = 20_000;
const offices = 300;
let folder: string;
let store: Store;

const groups: readonly DeviceGroup[] = [
  { name: 'pumps', division: 'plant' },
  { name: 'valves', division: 'plant' },
  { name: 'desks', division: 'office' },
  { name: 'ulm', division: 'plant', filter: { field: 'attributes.site', equals: 'Ulm' } },
  { name: 'nowhere', division: 'plant', filter: { field: 'attributes.site', equals: 'nowhere' } },
].map((group) => deviceGroupSchema.parse(group));

const divisions = new Map(['plant', 'office', 'empty'].map((name) => [name, { name }]));
const catalog = () => ({ divisions });

function group(name: string): DeviceGroup {
  return groups.find((each) => each.name === name) ?? groups[0] ?? deviceGroupSchema.parse({});
}

/** Every hundredth is a valve, every thousandth in Ulm; later ones were made and changed later. */
function record(division: 'plant' | 'office', index: number): DeviceRecord {
  const number = String(index).padStart(5, '0');
  return {
    id: `${division}-${number}`,
    division,
    name: `${division === 'plant' ? 'Device' : 'desk'}-${number}`,
    groupName: division === 'office' ? 'desks' : index % 100 === 0 ? 'valves' : 'pumps',
    state: index % 10 === 0 ? 'retired' : 'registered',
    identifiers: JSON.stringify({ serial: `S${index}`, model: index < 3 ? 'rare' : 'usual' }),
    attributes: index % 1000 === 0 ? '{"site":"Ulm"}' : '{}',
    createdAt: 1000 + index,
    updatedAt: 100_000 - index,
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-devices-'));
  store = await openStore({ file: join(folder, 'gatehouse.db'), synchronous: 'OFF' });
  const groups = { pumps: 'plant', valves: 'plant', desks: 'office' };
  const documents = Object.entries(groups).map(([name, division]) =>
    store.catalog.put({ kind: 'device-group', name, document: JSON.stringify({ name, division }), updatedAt: 0 }),
  );
  await store.commit({ statements: documents, audit: [] });
  const all = [
    ...Array.from({ length: plants }, (_, index) => record('plant', index)),
    ...Array.from({ length: offices }, (_, index) => record('office', index)),
  ];
  for (let at = 0; at < all.length; at += 1000) {
    await store.commit({ statements: all.slice(at, at + 1000).flatMap(store.devices.register), audit: [] });
  }
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const byName = { by: 'name', descending: false } as const;

function list(selection: Partial<DeviceSelection>, options: Partial<DeviceList> = {}) {
  return listDevices(
    { selection: { isVisible: () => true, ...selection }, order: byName, limit: 100, ...options },
    { store, catalog },
  );
}

/** All pages, and how many there were. */
async function collect(selection: Partial<DeviceSelection>, options: Partial<DeviceList> = {}) {
  const ids: string[] = [];
  let pages = 0;
  let after: DeviceList['after'];
  do {
    const page = await list(selection, { ...options, ...(after ? { after } : {}) });
    ids.push(...page.devices.map(({ id }) => id));
    after = page.next;
    pages++;
  } while (after !== undefined);
  return { ids, pages };
}

describe('lists of devices', () => {
  it('come in pages that miss none and repeat none, across divisions', async () => {
    const { ids } = await collect({}, { limit: 1000 });
    expect(ids).toHaveLength(plants + offices);
    expect(new Set(ids).size).toBe(plants + offices);
    expect([ids[0], ids[plants - 1], ids[plants]]).toEqual(['plant-00000', 'plant-19999', 'office-00000']);
  });

  it.each([
    ['name', false, 'plant-00000', 'office-00299'],
    ['name', true, 'office-00299', 'plant-00000'],
    ['createdAt', false, 'office-00000', 'plant-19999'],
    ['createdAt', true, 'plant-19999', 'office-00000'],
    ['updatedAt', false, 'plant-19999', 'plant-00000'],
  ] as const)('are sorted by %s, descending: %s', async (by, descending, first, last) => {
    const { ids } = await collect({}, { order: { by, descending }, limit: 1000 });
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([plants + offices, first, last]);
  });

  it.each<[string, Partial<DeviceSelection>, number]>([
    ['a division', { division: 'office' }, offices],
    ['what one may see', { isVisible: (division) => division === 'office' }, offices],
    ['a static group', { group: group('valves') }, plants / 100],
    ['a large static group', { group: group('pumps') }, plants - plants / 100],
    ['a dynamic group', { group: group('ulm') }, plants / 1000],
    ['a dynamic group without any', { group: group('nowhere') }, 0],
    ['a state', { state: 'retired' }, (plants + offices) / 10],
    ['a name', { name: 'Device-00017' }, 1],
    ['a part of the name, in any case', { search: 'DEVICE-0001' }, 10],
    ['a part of an identifier', { search: 's1999' }, 11],
    ['an identifier', { identifier: { name: 'serial', value: 'S4711' } }, 1],
    ['an identifier of several', { identifier: { name: 'model', value: 'rare' } }, 6],
    ['an identifier of most', { identifier: { name: 'model', value: 'usual' }, division: 'office' }, offices - 3],
    ['no such identifier', { identifier: { name: '__proto__', value: 'x' } }, 0],
    ['all of them', { group: group('valves'), state: 'retired', search: 'device-01' }, 10],
    ['what is of another division', { group: group('desks'), division: 'plant' }, 0],
    ['another division than one may see', { name: 'Device-00017', isVisible: (each) => each === 'office' }, 0],
    ['no division', { isVisible: () => false }, 0],
  ])('are narrowed to %s', async (_what, selection, count) => {
    const { ids } = await collect(selection, { limit: 1000 });
    expect(ids).toHaveLength(count);
    expect(new Set(ids).size).toBe(count);
  });

  it('sort what an index finds in another order, page by page', async () => {
    const order = { by: 'createdAt', descending: true } as const;
    const { ids, pages } = await collect({ identifier: { name: 'model', value: 'rare' } }, { order, limit: 4 });
    expect(ids).toEqual(['plant-00002', 'office-00002', 'plant-00001', 'office-00001', 'plant-00000', 'office-00000']);
    expect(pages).toBe(2);
  });

  it('go on from a device that is gone meanwhile', async () => {
    const { next } = await list({}, { limit: 2 });
    expect(next).toEqual({ value: 'Device-00001', id: 'plant-00001' });
    const { devices } = await list({}, { limit: 1, after: { value: 'Device-00001', id: 'plant-00001~' } });
    expect(devices.map(({ id }) => id)).toEqual(['plant-00002']);
  });

  it('cost little for a page, also where next to nothing fits', async () => {
    const page = await list({ search: 'nothing has this' });
    expect(page).toEqual({ devices: [], next: { value: 'Device-04999', id: 'plant-04999' } });
    expect(await cpuTimeOf(() => list({ search: 'nothing has this' }))).toBeLessThan(400);
    expect(await cpuTimeOf(() => list({ group: group('ulm') }))).toBeLessThan(400);
    expect(await cpuTimeOf(() => list({}, { order: { by: 'updatedAt', descending: true } }))).toBeLessThan(100);
    expect(await cpuTimeOf(() => list({ identifier: { name: 'serial', value: 'S19999' } }))).toBeLessThan(100);
  });

  it('let others have their turn while they look', async () => {
    let turns = 0;
    let isDone = false;
    const others = (async () => {
      while (!isDone) {
        turns++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await list({ search: 'nothing has this' });
    isDone = true;
    await others;
    expect(turns).toBeGreaterThan(20);
  });
});

describe('the devices of a group', () => {
  it('come in pages, of a static one by its index, of a dynamic one by looking at all', async () => {
    const first = await devicesOfGroup(group('valves'), { limit: 3 }, { store });
    expect(first.devices.map(({ name }) => name)).toEqual(['Device-00000', 'Device-00100', 'Device-00200']);
    const second = await devicesOfGroup(group('valves'), { limit: 1, after: first.next ?? '' }, { store });
    expect(second.devices.map(({ name }) => name)).toEqual(['Device-00300']);
    const dynamic = await devicesOfGroup(group('ulm'), { limit: 2 }, { store });
    expect(dynamic).toMatchObject({
      devices: [{ name: 'Device-00000' }, { name: 'Device-01000' }],
      next: 'Device-01000',
    });
    const short = await devicesOfGroup(group('nowhere'), { limit: 2 }, { store });
    expect(short).toEqual({ devices: [], next: 'Device-04999' });
  });

  it.each([
    ['valves', plants / 100],
    ['pumps', plants - plants / 100],
    ['ulm', plants / 1000],
    ['nowhere', 0],
    ['desks', offices],
  ])('are gone through one by one: %s', async (name, count) => {
    const ids = new Set<string>();
    for await (const { id } of eachDeviceOf(group(name), { store })) ids.add(id);
    expect(ids.size).toBe(count);
  });
});
