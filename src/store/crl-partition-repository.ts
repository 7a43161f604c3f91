/** The parts of each issuer's CRL, and how many certificates were issued in each. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface CrlPartitionRecord {
  /** The generation of the CA. */
  readonly issuerId: string;
  readonly partition: number;
  /** Epoch milliseconds. */
  readonly openedAt: number;
  /** How many certificates have been given their place in it; some of the places may be lost. */
  readonly issued: number;
}

export function createCrlPartitionRepository(database: Database) {
  const { write, read, find } = database.tables<{ crlPartition: CrlPartitionRecord }>();

  return {
    /**
     * Takes `issued` places in a partition, which opens with the first. Refused as 'unavailable' unless so many were taken before:
     * another process was first.
     */
    take: write(
      (db, slot: CrlPartitionRecord & { readonly before: number }) =>
        db
          .insertInto('crlPartition')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) =>
            conflict
              .columns(['issuerId', 'partition'])
              .doUpdateSet((row) => ({ issued: row('crlPartition.issued', '+', row.ref('excluded.issued')) }))
              .where('crlPartition.issued', '=', slot.before),
          ),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** The last one that was opened. */
    last: find((db, slot: { issuerId: string }) =>
      db
        .selectFrom('crlPartition')
        .select(columns)
        .where('issuerId', '=', slot.issuerId)
        .orderBy('partition', 'desc')
        .limit(1),
    ),

    all: read((db) => db.selectFrom('crlPartition').select(columns).orderBy('issuerId').orderBy('partition')),
  };
}

const columns = ['issuerId', 'partition', 'openedAt', 'issued'] as const;
