/** The registered devices. */
import type { DeviceState } from '../model/device.js';
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface DeviceRecord {
  readonly id: string;
  readonly division: string;
  /** Unique within the division. */
  readonly name: string;
  readonly groupName: string;
  readonly state: DeviceState;
  /** JSON text. */
  readonly identifiers: string;
  /** JSON text. */
  readonly attributes: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface DeviceFilter {
  readonly division?: string;
  readonly groupName?: string;
  readonly state?: DeviceState;
  /** The last device of the page before. */
  readonly after?: Pick<DeviceRecord, 'division' | 'name'>;
  /** The size of a page. */
  readonly limit: number;
}

export function createDeviceRepository(database: Database) {
  const { write, find, list } = database.tables<{ device: DeviceRecord }>();

  return {
    /** Refused as 'unavailable' if a parallel request registered it: look it up and try again. */
    insert: write(
      (db, slot: DeviceRecord) =>
        db
          .insertInto('device')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'unavailable' },
    ),

    findById: find((db, slot: { id: string }) => db.selectFrom('device').select(columns).where('id', '=', slot.id)),

    findByName: find((db, slot: { division: string; name: string }) =>
      db.selectFrom('device').select(columns).where('division', '=', slot.division).where('name', '=', slot.name),
    ),

    /** Refused as 'unavailable' unless the device is in the state `from`; a second try sees the new one. */
    setState: write(
      (db, slot: { id: string; from: DeviceState; to: DeviceState; at: number }) =>
        db
          .updateTable('device')
          .set({ state: slot.to, updatedAt: slot.at })
          .where('id', '=', slot.id)
          .where('state', '=', slot.from),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Guard: refuses the change as 'unavailable' unless the device is still in this state; a second try sees the new one. */
    requireState: write(
      (db, slot: { id: string; state: DeviceState }) =>
        db
          .updateTable('device')
          .set((row) => ({ state: row.ref('state') }))
          .where('id', '=', slot.id)
          .where('state', '=', slot.state),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /**
     * Guard that lets only one of several parallel changes through: refuses as 'unavailable' if another one touched the
     * device since it was read. `at` must be later than `seenAt`.
     */
    touch: write(
      (db, slot: { id: string; seenAt: number; at: number }) =>
        db
          .updateTable('device')
          .set({ updatedAt: slot.at })
          .where('id', '=', slot.id)
          .where('updatedAt', '=', slot.seenAt),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** A page of those that fit every given filter, by division and name. */
    list: (filter: DeviceFilter) =>
      list((db) => {
        const { after, limit } = filter;
        let query = db.selectFrom('device').select(columns);
        for (const column of ['division', 'groupName', 'state'] as const) {
          const wanted = filter[column];
          query = wanted === undefined ? query : query.where(column, '=', wanted);
        }
        if (after !== undefined) {
          query = query.where((row) =>
            row(row.refTuple('division', 'name'), '>', row.tuple(after.division, after.name)),
          );
        }
        return query.orderBy('division').orderBy('name').limit(limit);
      }),
  };
}

const columns = [
  'id',
  'division',
  'name',
  'groupName',
  'state',
  'identifiers',
  'attributes',
  'createdAt',
  'updatedAt',
] as const;
