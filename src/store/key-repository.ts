/** Private keys: those that the gateway keeps itself, sealed, and what finds those that another store keeps. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface KeyRecord {
  readonly id: string;
  readonly purpose: string;
  readonly algorithm: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** The key store that has it: `software`, or one of the settings' keyStores. */
  readonly store: string;
  /** The private key under the key-encryption key; for another store than `software` what it finds its key by, JSON. */
  readonly sealed: Uint8Array;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export type KeyRepository = ReturnType<typeof createKeyRepository>;

export function createKeyRepository(database: Database) {
  const { write, read, find } = database.tables<{ key: KeyRecord }>();

  return {
    /** Refused as 'invalid-state' if there is a key of this id. */
    insert: write(
      (db, slot: KeyRecord) =>
        db
          .insertInto('key')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    find: find((db, slot: { id: string }) => db.selectFrom('key').select(columns).where('id', '=', slot.id)),

    /** The latest first. */
    findByPurpose: read((db, slot: { purpose: string }) =>
      db
        .selectFrom('key')
        .select(columns)
        .where('purpose', '=', slot.purpose)
        .orderBy('createdAt', 'desc')
        .orderBy('id'),
    ),

    /** By purpose. */
    findByStore: read((db, slot: { store: string }) =>
      db.selectFrom('key').select(columns).where('store', '=', slot.store).orderBy('purpose').orderBy('id'),
    ),

    /** Writes over the sealed key, so that its octets do not stay behind in the file when the row goes. */
    overwrite: write((db, slot: { id: string; sealed: Uint8Array }) =>
      db.updateTable('key').set({ sealed: slot.sealed }).where('id', '=', slot.id),
    ),

    /** Refused as 'not-found' if there is no such key. */
    remove: write((db, slot: { id: string }) => db.deleteFrom('key').where('id', '=', slot.id), {
      rows: 1,
      otherwise: 'not-found',
    }),
  };
}

const columns = ['id', 'purpose', 'algorithm', 'publicKey', 'store', 'sealed', 'createdAt'] as const;
