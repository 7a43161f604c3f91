/** Certificates that foreign CAs have issued for the key of a generation here, each with what leads from it to a foreign root. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface CaLinkRecord {
  /** SHA-256 of the certificate, hex. */
  readonly fingerprint: string;
  /** The id of the generation whose key and subject it has. */
  readonly generation: string;
  /** PEM: the certificate, its issuer's, and so on. */
  readonly chain: string;
  /** The end of the first certificate of the chain to end, epoch milliseconds, as is the other time. */
  readonly notAfter: number;
  readonly createdAt: number;
}

export function createCaLinkRepository(database: Database) {
  const { write, find, read } = database.tables<{ caLink: CaLinkRecord }>();

  return {
    /** Refused as 'invalid-state' if it is there. */
    insert: write(
      (db, slot: CaLinkRecord) =>
        db
          .insertInto('caLink')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    find: find((db, slot: { fingerprint: string }) =>
      db.selectFrom('caLink').select(columns).where('fingerprint', '=', slot.fingerprint),
    ),

    /** The oldest first. */
    ofGeneration: read((db, slot: { generation: string }) =>
      db
        .selectFrom('caLink')
        .select(columns)
        .where('generation', '=', slot.generation)
        .orderBy('createdAt')
        .orderBy('fingerprint'),
    ),

    /** Refused as 'not-found' if it is not there. */
    remove: write(
      (db, slot: { fingerprint: string }) => db.deleteFrom('caLink').where('fingerprint', '=', slot.fingerprint),
      { rows: 1, otherwise: 'not-found' },
    ),

    /** All of a generation that is dropped. */
    removeOf: write((db, slot: { generation: string }) =>
      db.deleteFrom('caLink').where('generation', '=', slot.generation),
    ),
  };
}

const columns = ['fingerprint', 'generation', 'chain', 'notAfter', 'createdAt'] as const;
