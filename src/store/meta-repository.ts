/** Single values about the database itself, such as the key-check value. */
import type { Database } from './database.js';

export interface MetaRow {
  readonly name: string;
  readonly value: string;
}

export function createMetaRepository(database: Database) {
  const { write, find } = database.tables<{ meta: MetaRow }>();
  const row = find((db, slot: { name: string }) => db.selectFrom('meta').select('value').where('name', '=', slot.name));

  return {
    find: async (name: string) => (await row({ name }))?.value,

    /** Refused as 'invalid-state' if there is a value: the first one stays. */
    insert: write(
      (db, slot: MetaRow) =>
        db
          .insertInto('meta')
          .values({ name: slot.name, value: slot.value })
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Refused as 'invalid-state' unless the value is still what it was before. */
    replace: write(
      (db, slot: MetaRow & { before: string }) =>
        db
          .updateTable('meta')
          .set({ value: slot.value })
          .where('name', '=', slot.name)
          .where('value', '=', slot.before),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Adds or replaces a value. */
    put: write((db, slot: MetaRow) =>
      db
        .insertInto('meta')
        .values({ name: slot.name, value: slot.value })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((excluded) => ({ value: excluded.ref('excluded.value') })),
        ),
    ),
  };
}
