/** Leases on work that must not run on two nodes at once. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface LeaseRecord {
  readonly name: string;
  /** The node that has it. */
  readonly holder: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

export function createLeaseRepository(database: Database) {
  const { write, find } = database.tables<{ lease: LeaseRecord }>();

  return {
    /** Takes a lease that is free, lapsed by `now` or the holder's own. Refused as 'invalid-state' while another one holds it. */
    take: write(
      (db, slot: LeaseRecord & { readonly now: number }) =>
        db
          .insertInto('lease')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) =>
            conflict
              .column('name')
              .doUpdateSet((row) => ({ holder: row.ref('excluded.holder'), until: row.ref('excluded.until') }))
              .where((row) =>
                row.or([row('lease.until', '<=', slot.now), row('lease.holder', '=', row.ref('excluded.holder'))]),
              ),
          ),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Gives it back, if it is still the holder's. */
    release: write((db, slot: { name: string; holder: string }) =>
      db.deleteFrom('lease').where('name', '=', slot.name).where('holder', '=', slot.holder),
    ),

    find: find((db, slot: { name: string }) => db.selectFrom('lease').select(columns).where('name', '=', slot.name)),
  };
}

const columns = ['name', 'holder', 'until'] as const;
