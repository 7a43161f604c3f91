/** The latest CRL of each issuer and partition. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface CrlRecord {
  /** The generation of the CA that signed it. */
  readonly issuerId: string;
  readonly partition: number;
  /** CRLNumber (RFC 5280 5.2.3). */
  readonly number: number;
  readonly der: Uint8Array;
  /** Epoch milliseconds. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** The {@link CrlRepository.revision} that it was made from. */
  readonly revision: number;
}

interface CrlRevisionRecord {
  readonly issuerId: string;
  readonly partition: number;
  readonly number: number;
}

export function createCrlRepository(database: Database) {
  const { write, read, find } = database.tables<{ crl: CrlRecord; crlRevision: CrlRevisionRecord }>();
  const revisionOf = find((db, slot: { issuerId: string; partition: number }) =>
    db
      .selectFrom('crlRevision')
      .select('number')
      .where('issuerId', '=', slot.issuerId)
      .where('partition', '=', slot.partition),
  );

  const addRevision = write((db, slot: CrlRevisionRecord) =>
    db
      .insertInto('crlRevision')
      .values({ issuerId: slot.issuerId, partition: slot.partition, number: slot.number })
      .onConflict((conflict) =>
        conflict
          .columns(['issuerId', 'partition'])
          .doUpdateSet((row) => ({ number: row('crlRevision.number', '+', row.ref('excluded.number')) })),
      ),
  );

  return {
    /** Replaces the CRL before it. Refused as 'unavailable' unless its number is higher: another one was published meanwhile. */
    put: write(
      (db, slot: CrlRecord) =>
        db
          .insertInto('crl')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) =>
            conflict
              .columns(['issuerId', 'partition'])
              .doUpdateSet((row) => ({
                number: row.ref('excluded.number'),
                der: row.ref('excluded.der'),
                thisUpdate: row.ref('excluded.thisUpdate'),
                nextUpdate: row.ref('excluded.nextUpdate'),
                revision: row.ref('excluded.revision'),
              }))
              .whereRef('crl.number', '<', 'excluded.number'),
          ),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Says that what a CRL would list has changed; goes into the commit that changes it. */
    markChanged: (values: { issuerId: string; partition: number }) => addRevision({ ...values, number: 1 }),

    /** How often it was changed so far. Read it before what the CRL lists: a change in between then makes another CRL due. */
    revision: async (values: { issuerId: string; partition: number }) => (await revisionOf(values))?.number ?? 0,

    /** The CRLs that have changed since they were made, and those that were never made. */
    changed: read((db) =>
      db
        .selectFrom('crlRevision')
        .leftJoin('crl', (join) =>
          join.onRef('crl.issuerId', '=', 'crlRevision.issuerId').onRef('crl.partition', '=', 'crlRevision.partition'),
        )
        .select(['crlRevision.issuerId', 'crlRevision.partition'])
        .where((row) =>
          row.or([row('crl.revision', 'is', null), row('crl.revision', '<', row.ref('crlRevision.number'))]),
        ),
    ),

    find: find((db, slot: { issuerId: string; partition: number }) =>
      db
        .selectFrom('crl')
        .select(columns)
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition),
    ),

    /** All partitions that there are of an issuer's. */
    ofIssuer: read((db, slot: { issuerId: string }) =>
      db.selectFrom('crl').select(columns).where('issuerId', '=', slot.issuerId).orderBy('partition'),
    ),
  };
}

const columns = ['issuerId', 'partition', 'number', 'der', 'thisUpdate', 'nextUpdate', 'revision'] as const;
