/** Devices in order, each list by an index that fits: however many others there are. */
import type { DeviceState } from '../model/device.js';
import type { Database } from './database.js';
import { deviceColumns as columns, type DeviceIdentifierRecord, type DeviceRecord } from './device-record.js';

interface DeviceFilter {
  readonly division?: string;
  readonly groupName?: string;
  readonly state?: DeviceState;
  /** The last device of the page before. */
  readonly after?: Pick<DeviceRecord, 'division' | 'name'>;
  /** The size of a page. */
  readonly limit: number;
}

export type DeviceSortKey = 'name' | 'createdAt' | 'updatedAt';

/** A place in a sorted list: between the device of this value and id, and the next one. */
export interface DevicePosition {
  readonly value: string | number;
  readonly id: string;
}

export interface SortedPage {
  readonly division: string;
  readonly by: DeviceSortKey;
  readonly descending: boolean;
  /** The last device of the page before. */
  readonly after?: DevicePosition;
  readonly limit: number;
}

export function createDeviceLists(database: Database) {
  const { read, list } = database.tables<{ device: DeviceRecord; deviceIdentifier: DeviceIdentifierRecord }>();

  return {
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

    /** A page of a division's devices; those of one value by their ids, in the same direction. */
    sorted: ({ division, by, descending, after, limit }: SortedPage) =>
      list((db) => {
        const direction = descending ? 'desc' : 'asc';
        let query = db.selectFrom('device').select(columns).where('division', '=', division);
        if (after !== undefined) {
          query = query.where((row) =>
            row(row.refTuple(by, 'id'), descending ? '<' : '>', row.tuple(after.value, after.id)),
          );
        }
        return query.orderBy(by, direction).orderBy('id', direction).limit(limit);
      }),

    /** Those of a static group, by id, after that of the page before. */
    ofGroup: read((db, slot: { groupName: string; after: string; limit: number }) =>
      db
        .selectFrom('device')
        .select(columns)
        .where('groupName', '=', slot.groupName)
        .where('id', '>', slot.after)
        .orderBy('id')
        .limit(slot.limit),
    ),

    /** Those with exactly this identifier, in no order that matters. */
    byIdentifier: read((db, slot: { name: string; value: string; limit: number }) =>
      db
        .selectFrom('deviceIdentifier')
        .innerJoin('device', 'device.id', 'deviceIdentifier.deviceId')
        .select(qualifiedColumns)
        .where('deviceIdentifier.name', '=', slot.name)
        .where('deviceIdentifier.value', '=', slot.value)
        .orderBy('deviceIdentifier.deviceId')
        .limit(slot.limit),
    ),
  };
}

const qualifiedColumns = columns.map((column) => `device.${column}` as const);
