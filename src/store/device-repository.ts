/** The registered devices. */
import { type ExpressionBuilder, sql } from 'kysely';
import type { DeviceState } from '../model/device.js';
import type { CatalogItemRecord } from './catalog-repository.js';
import type { CertificateRecord } from './certificate-record.js';
import type { Statement } from './change.js';
import type { Database } from './database.js';
import { createDeviceLists } from './device-lists.js';
import { deviceColumns as columns, type DeviceIdentifierRecord, type DeviceRecord } from './device-record.js';
import { slotsOf } from './query.js';

export function createDeviceRepository(database: Database) {
  const { write, find, list } = database.tables<Tables>();

  /** Refused as 'unavailable' if a parallel request registered it: look it up and try again. */
  const insert = write(
    (db, slot: DeviceRecord) =>
      db
        .insertInto('device')
        .values(slotsOf(slot, columns))
        .onConflict((conflict) => conflict.doNothing()),
    { rows: 1, otherwise: 'unavailable' },
  );

  const insertInGroup = write(
    (db, slot: DeviceRecord) =>
      db
        .insertInto('device')
        .columns(columns)
        .expression(
          db
            .selectFrom('catalogItem')
            .select(columns.map((column) => sql`${slot[column]}`.as(column)))
            .where((row) => isGroup(row, slot)),
        )
        .onConflict((conflict) => conflict.doNothing()),
    { rows: 1, otherwise: 'unavailable' },
  );

  /** Whether a document is that of a static group of the division: configuration may have changed since a decision. */
  function isGroup(row: ExpressionBuilder<Tables, 'catalogItem'>, slot: Pick<DeviceRecord, 'groupName' | 'division'>) {
    const document = database.dialect === 'sqlite' ? sql.ref('document') : sql`${sql.ref('document')}::json`;
    return row.and([
      row('catalogItem.kind', '=', sql.lit('device-group')),
      row('catalogItem.name', '=', slot.groupName),
      sql<boolean>`${document} ->> 'division' = ${slot.division}`,
      sql<boolean>`${document} ->> 'filter' is null`,
    ]);
  }

  const insertIdentifier = write((db, slot: DeviceIdentifierRecord) =>
    db.insertInto('deviceIdentifier').values(slotsOf(slot, ['deviceId', 'name', 'value'])),
  );

  const removeIdentifiers = write((db, slot: { id: string }) =>
    db.deleteFrom('deviceIdentifier').where('deviceId', '=', slot.id),
  );

  const setFields = write(
    (db, slot: Seen & { identifiers: string; attributes: string; at: number }) =>
      db
        .updateTable('device')
        .set({ identifiers: slot.identifiers, attributes: slot.attributes, updatedAt: later(slot.at) })
        .where('id', '=', slot.id)
        .where('updatedAt', '=', slot.seenAt),
    { rows: 1, otherwise: 'unavailable' },
  );

  // What else has its id is in the way of the deletion by itself: the database holds the references.
  const remove = write(
    (db, slot: Seen) =>
      db
        .deleteFrom('device')
        .where('id', '=', slot.id)
        .where('updatedAt', '=', slot.seenAt)
        .where((row) =>
          row.not(row.exists(row.selectFrom('certificate').select('certificate.id').where('deviceId', '=', slot.id))),
        ),
    { rows: 1, otherwise: 'unavailable' },
  );

  function identifiersOf({ id, identifiers }: Pick<DeviceRecord, 'id' | 'identifiers'>): Statement[] {
    if (identifiers === '{}') return [];
    const members: Readonly<Record<string, string>> = JSON.parse(identifiers);
    return Object.entries(members).map(([name, value]) => insertIdentifier({ deviceId: id, name, value }));
  }

  return {
    ...createDeviceLists(database),

    insert,

    /**
     * The insert, and what finds the device by its identifiers. Refused as 'unavailable' also unless its group is a static one of
     * its division still.
     */
    register: (record: DeviceRecord): Statement[] => [insertInGroup(record), ...identifiersOf(record)],

    findById: find((db, slot: { id: string }) => db.selectFrom('device').select(columns).where('id', '=', slot.id)),

    /** Those of these ids that there are, in no order. */
    findByIds: (ids: readonly string[]) => list((db) => db.selectFrom('device').select(columns).where('id', 'in', ids)),

    findByName: find((db, slot: { division: string; name: string }) =>
      db.selectFrom('device').select(columns).where('division', '=', slot.division).where('name', '=', slot.name),
    ),

    /** Refused as 'unavailable' unless the device is in the state `from`; a second try sees the new one. */
    setState: write(
      (db, slot: { id: string; from: DeviceState; to: DeviceState; at: number }) =>
        db
          .updateTable('device')
          .set({ state: slot.to, updatedAt: later(slot.at) })
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

    /** Guard: refuses the change as 'unavailable' unless the device is as it was read, whatever of it has changed. */
    requireUnchanged: write(
      (db, slot: Seen) =>
        db
          .updateTable('device')
          .set((row) => ({ updatedAt: row.ref('updatedAt') }))
          .where('id', '=', slot.id)
          .where('updatedAt', '=', slot.seenAt),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /**
     * Guard that lets only one of several parallel changes through: refuses as 'unavailable' if another one touched the
     * device since it was read.
     */
    touch: write(
      (db, slot: Seen & { at: number }) =>
        db
          .updateTable('device')
          .set({ updatedAt: later(slot.at) })
          .where('id', '=', slot.id)
          .where('updatedAt', '=', slot.seenAt),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** New identifiers and attributes, as JSON text. Refused as 'unavailable' unless the device is as it was read. */
    change: (fields: Seen & { identifiers: string; attributes: string; at: number }): Statement[] => [
      setFields(fields),
      removeIdentifiers({ id: fields.id }),
      ...identifiersOf(fields),
    ],

    /** Refused as 'unavailable' unless the device is as it was read, its name free in the division, and the group there still. */
    move: write(
      (db, slot: Seen & { division: string; groupName: string; name: string; at: number }) =>
        db
          .updateTable('device')
          .set({ division: slot.division, groupName: slot.groupName, updatedAt: later(slot.at) })
          .where('id', '=', slot.id)
          .where('updatedAt', '=', slot.seenAt)
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('device as other')
                  .select('other.id')
                  .where('other.division', '=', slot.division)
                  .where('other.name', '=', slot.name)
                  .where('other.id', '<>', slot.id),
              ),
            ),
          )
          .where((row) =>
            row.exists(
              row
                .selectFrom('catalogItem')
                .select('catalogItem.name')
                .where((item) => isGroup(item, slot)),
            ),
          ),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Refused as 'unavailable' unless the device is as it was read, and never had a certificate. */
    remove: (seen: Seen): Statement[] => [removeIdentifiers({ id: seen.id }), remove(seen)],
  };
}

interface Tables {
  device: DeviceRecord;
  deviceIdentifier: DeviceIdentifierRecord;
  certificate: CertificateRecord;
  catalogItem: CatalogItemRecord;
}

/** A device as it was read: `seenAt` is its `updatedAt`, which every change moves. */
interface Seen {
  readonly id: string;
  readonly seenAt: number;
}

/** It must move whatever the clock does, for the guards that look at it. */
function later(at: number) {
  const before = sql.ref('updatedAt');
  return sql<number>`case when ${before} >= ${at} then ${before} + 1 else ${at} end`;
}
