import { describe, expect, it } from '@jest/globals';
import type { Statement } from '../../../src/store/change.js';
import type { Store } from '../../../src/store/store.js';
import { caGeneration, certificate, device, withStore } from './temporary-store.js';

function commit(store: Store, ...statements: Statement[]): Promise<void> {
  return store.commit({ statements, audit: [] });
}

function put({ catalog }: Store, kind: string, document: { readonly name: string }): Statement {
  return catalog.put({ kind, name: document.name, document: JSON.stringify(document), updatedAt: 0 });
}

const overtaken = { name: 'OvertakenError', code: 'unavailable' };

describe('what was decided by a configuration that has changed since', () => {
  it.each([
    ['was removed', undefined],
    ['went to another division', { name: 'pumps', division: 'office' }],
    ['became dynamic', { name: 'pumps', division: 'plant', filter: { field: 'name', equals: 'd1' } }],
  ])('registers and moves no device into a group that %s', async (_what, changed) => {
    await withStore(async (store) => {
      const record = device('d1', { division: 'plant', groupName: 'pumps' });
      const other = device('d2', { division: 'plant', groupName: 'valves' });
      await commit(store, put(store, 'device-group', { name: 'pumps', division: 'plant' } as { name: string }));
      await commit(store, store.devices.insert(other), ...store.devices.register(record));
      const { id, updatedAt: seenAt, division, name } = other;
      const move = store.devices.move({ id, seenAt, division, name, groupName: 'pumps', at: 1 });
      await commit(
        store,
        changed ? put(store, 'device-group', changed) : store.catalog.remove({ kind: 'device-group', name: 'pumps' }),
      );
      const late = store.devices.register({ ...record, id: 'd3', name: 'd3' });
      await expect(commit(store, ...late)).rejects.toMatchObject(overtaken);
      await expect(commit(store, move)).rejects.toMatchObject(overtaken);
      expect(await store.devices.findById({ id: 'd3' })).toBeUndefined();
      expect(await store.devices.findById({ id: 'd2' })).toMatchObject({ groupName: 'valves' });
    });
  });

  it('issues no certificate, and keeps no request, under a policy that was removed', async () => {
    await withStore(async (store) => {
      const { certificates, catalog } = store;
      const record = certificate('0a', { policy: 'pumps' });
      await commit(store, put(store, 'policy', { name: 'pumps' }), store.caGenerations.insert(caGeneration()));
      await commit(store, certificates.insertUnderPolicy(record, 'a'));
      expect(await certificates.findByIssuerAndSerial(record.issuerId, '0a')).toMatchObject(record);
      await expect(commit(store, certificates.insertUnderPolicy(record))).rejects.toMatchObject(overtaken);
      await commit(store, catalog.remove({ kind: 'policy', name: 'pumps' }));
      const late = certificates.insertUnderPolicy({ ...record, serialNumber: '0b' });
      await expect(commit(store, late)).rejects.toMatchObject(overtaken);
      const waiting = catalog.requireStill({ kind: 'policy', name: 'pumps' });
      await expect(commit(store, waiting)).rejects.toMatchObject(overtaken);
      expect(await certificates.findByIssuerAndSerial(record.issuerId, '0b')).toBeUndefined();
    });
  });
});
