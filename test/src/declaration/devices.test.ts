import { describe, expect, it } from '@jest/globals';
import { applyDocument } from '../../../src/declaration/apply.js';
import { exportDevices, exportDocument } from '../../../src/declaration/export.js';
import type { DeviceRecord } from '../../../src/store/device-record.js';
import type { Store } from '../../../src/store/store.js';
import { testActor } from '../../support/operator.js';
import { type ConfiguredStore, problemsOf, withConfiguredStore } from '../catalog/configured-store.js';

const groups = `divisions: [{ name: plant }, { name: office }]
deviceGroups:
  - { name: pumps, division: plant }
  - { name: valves, division: plant }
  - { name: closed, division: plant, enabled: false }
  - { name: old, division: plant, filter: { field: attributes.age, equals: old } }
  - { name: printers, division: office }
`;

async function get({ store }: ConfiguredStore, name: string, division = 'plant'): Promise<DeviceRecord> {
  const device = await store.devices.findByName({ division, name });
  if (device === undefined) throw new Error(`there is no device ${name}`);
  return device;
}

async function setState(configured: ConfiguredStore, name: string, to: DeviceRecord['state']): Promise<void> {
  const { store } = configured;
  const { id, state: from } = await get(configured, name);
  await store.commit({ statements: [store.devices.setState({ id, from, to, at: 1 })], audit: [] });
}

async function exported(store: Store): Promise<string> {
  let text = await exportDocument(store);
  for await (const line of exportDevices(store)) text += line;
  return text;
}

describe('devices of a document', () => {
  it('are registered, with their group, in one change, and found by their identifiers', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply, plan } = configured;
      const text = `${groups}devices:
  - { name: pump-1, group: pumps, identifiers: { serial: "4711" }, attributes: { site: north } }
  - { name: pump-1, group: printers }
`;
      const { steps } = await plan(text);
      expect(steps.slice(-2)).toMatchObject([
        { action: 'create', kind: 'device', name: 'pump-1' },
        { action: 'create', kind: 'device', name: 'pump-1' },
      ]);
      await apply(text);
      expect(await apply(text)).toBe(false);
      expect(await get(configured, 'pump-1')).toMatchObject({
        groupName: 'pumps',
        state: 'registered',
        identifiers: '{"serial":"4711"}',
        attributes: '{"site":"north"}',
      });
      expect(await store.devices.byIdentifier({ name: 'serial', value: '4711', limit: 2 })).toHaveLength(1);
      const { id } = await get(configured, 'pump-1', 'office');
      const [event] = await store.audit.list({ subject: id, limit: 1 });
      expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
        action: 'device.registered',
        actor: 'test',
        division: 'office',
        deviceId: id,
      });
    });
  });

  it('are changed and moved by what the file says, and keep what it does not', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply, plan } = configured;
      await apply(`${groups}devices: [{ name: p, group: pumps, identifiers: { serial: a }, attributes: { site: n } }]`);
      await setState(configured, 'p', 'operational');
      expect(await apply('devices: [{ name: p, group: pumps }]')).toBe(false);
      const change = 'devices: [{ name: p, group: valves, identifiers: { serial: b }, attributes: {} }]';
      expect((await plan(change)).steps).toMatchObject([
        {
          action: 'change',
          differences: [
            { path: 'group', from: 'pumps', to: 'valves' },
            { path: 'identifiers.serial', from: 'a', to: 'b' },
            { path: 'attributes.site', from: 'n' },
          ],
          note: expect.stringContaining('gatehouse device move'),
        },
      ]);
      await apply(change);
      expect(await get(configured, 'p')).toMatchObject({
        groupName: 'valves',
        state: 'operational',
        identifiers: '{"serial":"b"}',
        attributes: '{}',
      });
      const events = await store.audit.list({ limit: 2 });
      expect(events.map(({ action }) => action)).toEqual(['device.changed', 'device.moved']);
      expect(await apply(change)).toBe(false);
    });
  });

  it('are refused with file, line and column, and nothing of the file is applied', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply, plan } = configured;
      await apply(`${groups}devices: [{ name: gone, group: pumps }]`);
      await setState(configured, 'gone', 'retired');
      const text = `divisions: [{ name: third }]
devices:
  - { name: a, group: pmps }
  - { name: a, group: old }
  - { name: b, group: closed }
  - { name: c, group: pumps, attributes: { "a b": c } }
  - { name: "", group: pumps }
  - { name: d, group: pumps }
  - { name: d, group: valves }
  - { name: gone, group: pumps, attributes: { site: north } }
`;
      expect(await problemsOf(() => apply(text))).toEqual([
        'fleet.yaml:3:23 devices[0].group: there is no device group "pmps"',
        expect.stringMatching(/^fleet\.yaml:4:23 devices\[1\]\.group: device group old is dynamic/),
        expect.stringMatching(/^fleet\.yaml:5:23 devices\[2\]\.group: device group closed takes no new devices/),
        expect.stringMatching(/^fleet\.yaml:6:5 devices\[3\]: "a b" cannot name an attribute/),
        expect.stringMatching(/^fleet\.yaml:7:5 devices\[4\]: the name of a device is 1 to 255 characters/),
        expect.stringMatching(/^fleet\.yaml:9:13 devices\[6\]\.name: there are two devices "d" of division plant/),
        expect.stringMatching(/^fleet\.yaml:10:5 devices\[7\]: device "gone" is retired/),
      ]);
      expect(await problemsOf(() => plan('devices: [{ name: a, group: pumps, state: operational }]'))).toEqual([
        expect.stringContaining('devices[0].state: is not known here'),
      ]);
      expect(await apply('devices: [{ name: gone, group: pumps }]')).toBe(false);
      expect(await store.catalog.find({ kind: 'division', name: 'third' })).toBeUndefined();
    });
  });

  it('are not overtaken by what happens between plan and change', async () => {
    await withConfiguredStore(async (configured) => {
      const { apply, plan } = configured;
      await apply(`${groups}devices: [{ name: p, group: pumps }]`);
      const registration = await plan('devices: [{ name: q, group: pumps }]');
      const change = await plan('devices: [{ name: p, group: valves }]');
      await apply('devices: [{ name: q, group: valves }, { name: p, group: pumps, attributes: { site: n } }]');
      for (const stale of [registration, change]) {
        const applied = applyDocument(stale, { ...configured, actor: testActor });
        await expect(applied).rejects.toMatchObject({ code: 'unavailable' });
      }
      const late = await plan('devices: [{ name: r, group: pumps }]');
      await apply('deviceGroups: [{ name: pumps, division: plant, enabled: false }]');
      await expect(applyDocument(late, { ...configured, actor: testActor })).rejects.toMatchObject({
        code: 'unavailable',
      });
    });
  });

  it('are exported on demand, a line each, but for suspended and retired ones', async () => {
    await withConfiguredStore(async (configured) => {
      const { store, apply } = configured;
      const lines = Array.from(
        { length: 450 },
        (_, index) => `  - { name: p${index}, group: pumps, attributes: { cost: "$\${${index}}" } }`,
      );
      await apply(`${groups}devices:\n${lines.join('\n')}\n`);
      await setState(configured, 'p1', 'suspended');
      await setState(configured, 'p2', 'retired');
      const text = await exported(store);
      expect(text.match(/^ {2}- \{"name":"p\d+","group":"pumps","attributes"/gm)).toHaveLength(448);
      expect(text).toContain('# Left out: 1 suspended and 1 retired devices.\n');
      expect(await apply(text)).toBe(false);
      await withConfiguredStore(async (there) => {
        await there.apply(text);
        expect(await exported(there.store)).toBe(text.replace(/^# Left out.*\n/m, ''));
      });
    });
  });
});
