/** The latest CRL and the latest delta of each issuer and partition, and what was changed since. */
import { type CrlRecord, crlColumns, crlHeaderColumns, type DeltaRecord, deltaColumns } from './crl-record.js';
import type { Database } from './database.js';
import { slotsOf } from './query.js';

interface Place {
  readonly issuerId: string;
  readonly partition: number;
}

export function createCrlRepository(database: Database) {
  const { write, read, find } = database.tables<Tables>();

  const addRevision = write((db, slot: Place & { number: number; changedAt: number; lastNumber: number }) =>
    db
      .insertInto('crlRevision')
      .values(slotsOf(slot, revisionColumns))
      .onConflict((conflict) =>
        conflict.columns(['issuerId', 'partition']).doUpdateSet((row) => ({
          number: row('crlRevision.number', '+', row.ref('excluded.number')),
          changedAt: row.fn.coalesce('crlRevision.changedAt', row.ref('excluded.changedAt')),
        })),
      ),
  );

  const addNumber = write(
    (db, slot: Place & { number: number; lastNumber: number; before: number }) =>
      db
        .insertInto('crlRevision')
        .values(slotsOf(slot, ['issuerId', 'partition', 'number', 'lastNumber']))
        .onConflict((conflict) =>
          conflict
            .columns(['issuerId', 'partition'])
            .doUpdateSet((row) => ({ lastNumber: row.ref('excluded.lastNumber') }))
            .where('crlRevision.lastNumber', '=', slot.before),
        ),
    { rows: 1, otherwise: 'unavailable' },
  );

  const skipNumbers = write((db, slot: { by: number }) =>
    db
      .updateTable('crlRevision')
      .set((row) => ({ lastNumber: row('lastNumber', '+', slot.by), number: row('number', '+', 1), changedAt: 0 })),
  );

  const forgetBases = write((db) =>
    db.updateTable('crl').set({ baseNumber: null, baseAt: null, baseRevision: null, baseScope: null }),
  );

  const removeDeltas = write((db) => db.deleteFrom('crlDelta'));

  const revisionOf = find((db, slot: Place) =>
    db
      .selectFrom('crlRevision')
      .select(['number', 'lastNumber'])
      .where('issuerId', '=', slot.issuerId)
      .where('partition', '=', slot.partition),
  );

  return {
    /**
     * Says that what a CRL would list has changed, `at` (epoch milliseconds); goes into the commit that changes it. What is changed
     * many times before the next CRL waits since the first.
     */
    markChanged: ({ at, ...place }: Place & { readonly at: number }) =>
      addRevision({ ...place, number: 1, changedAt: at, lastNumber: 0 }),

    /** The same for a place that is new, with many changes; and its CRLs go on after a number of before. */
    carryOn: ({
      at,
      ...place
    }: Place & { readonly number: number; readonly lastNumber: number; readonly at: number }) =>
      addRevision({ ...place, changedAt: at }),

    /** What was changed is to be published at the next look, and need not wait for more. Goes after `markChanged`. */
    hasten: write((db, slot: Place) =>
      db
        .updateTable('crlRevision')
        .set({ changedAt: 0 })
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition),
    ),

    /** Those that have changed since they were made, with the time of the first change. */
    changed: read((db) =>
      db
        .selectFrom('crlRevision')
        .select(['issuerId', 'partition', 'changedAt'])
        .where('changedAt', 'is not', null)
        .orderBy('changedAt'),
    ),

    /**
     * `revision`: how often it was changed so far; read it before what the CRL lists, so that a change in between makes another CRL
     * due. `number`: the last CRLNumber (RFC 5280 5.2.3), of full CRLs and deltas alike.
     */
    state: async (place: Place) => {
      const found = await revisionOf(place);
      return { revision: found?.number ?? 0, number: found?.lastNumber ?? 0 };
    },

    /** Takes the CRLNumber after `before`. Refused as 'unavailable' if another CRL or delta has it: one was published meanwhile. */
    takeNumber: ({ before, ...place }: Place & { readonly before: number }) =>
      addNumber({ ...place, number: 0, lastNumber: before + 1, before }),

    /** Says that a CRL has all changes up to a revision; if there were more, they wait on. */
    settle: write((db, slot: Place & { revision: number }) =>
      db
        .updateTable('crlRevision')
        .set({ changedAt: null })
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition)
        .where('number', '<=', slot.revision),
    ),

    /**
     * For a database that is older than what was published from it: numbers go on after `by` more, so that none is used twice (RFC
     * 5280 5.2.3), and every CRL is due, made anew from all revocations. Deltas of before are gone.
     */
    skipNumbers: ({ by }: { readonly by: number }) => [skipNumbers({ by }), forgetBases({}), removeDeltas({})],

    /** Replaces the CRL before it. */
    put: write((db, slot: CrlRecord) =>
      db
        .insertInto('crl')
        .values(slotsOf(slot, crlColumns))
        .onConflict((conflict) =>
          conflict.columns(['issuerId', 'partition']).doUpdateSet((row) => ({
            number: row.ref('excluded.number'),
            der: row.ref('excluded.der'),
            thisUpdate: row.ref('excluded.thisUpdate'),
            nextUpdate: row.ref('excluded.nextUpdate'),
            revision: row.ref('excluded.revision'),
            etag: row.ref('excluded.etag'),
            entries: row.ref('excluded.entries'),
            scope: row.ref('excluded.scope'),
            baseNumber: row.ref('excluded.baseNumber'),
            baseAt: row.ref('excluded.baseAt'),
            baseRevision: row.ref('excluded.baseRevision'),
            baseScope: row.ref('excluded.baseScope'),
          })),
        ),
    ),

    /** Replaces the delta before it. */
    putDelta: write((db, slot: DeltaRecord) =>
      db
        .insertInto('crlDelta')
        .values(slotsOf(slot, deltaColumns))
        .onConflict((conflict) =>
          conflict.columns(['issuerId', 'partition']).doUpdateSet((row) => ({
            number: row.ref('excluded.number'),
            baseNumber: row.ref('excluded.baseNumber'),
            der: row.ref('excluded.der'),
            thisUpdate: row.ref('excluded.thisUpdate'),
            nextUpdate: row.ref('excluded.nextUpdate'),
            revision: row.ref('excluded.revision'),
            etag: row.ref('excluded.etag'),
            entries: row.ref('excluded.entries'),
          })),
        ),
    ),

    removeDelta: write((db, slot: Place) =>
      db.deleteFrom('crlDelta').where('issuerId', '=', slot.issuerId).where('partition', '=', slot.partition),
    ),

    find: find((db, slot: Place) =>
      db
        .selectFrom('crl')
        .select(crlColumns)
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition),
    ),

    /** What there is to know of a CRL without reading it: the reading of a long one is felt. */
    findHeader: find((db, slot: Place) =>
      db
        .selectFrom('crl')
        .select(crlHeaderColumns)
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition),
    ),

    findDelta: find((db, slot: Place) =>
      db
        .selectFrom('crlDelta')
        .select(deltaColumns)
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition),
    ),

    findDeltaHeader: find((db, slot: Place) =>
      db
        .selectFrom('crlDelta')
        .select(['etag', 'thisUpdate', 'nextUpdate'])
        .where('issuerId', '=', slot.issuerId)
        .where('partition', '=', slot.partition),
    ),

    /** All CRLs that there are, by issuer and partition, unread. */
    headers: read((db) => db.selectFrom('crl').select(crlHeaderColumns).orderBy('issuerId').orderBy('partition')),

    /** The deltas that there are, unread. */
    deltaHeaders: read((db) => db.selectFrom('crlDelta').select(deltaHeaderColumns)),

    /** The partitions of an issuer's that there are, up to `limit`. */
    ofIssuer: read((db, slot: { issuerId: string; limit: number }) =>
      db
        .selectFrom('crl')
        .select(crlColumns)
        .where('issuerId', '=', slot.issuerId)
        .orderBy('partition')
        .limit(slot.limit),
    ),
  };
}

interface Tables {
  crl: CrlRecord;
  crlDelta: DeltaRecord;
  crlRevision: Place & { number: number; changedAt: number | null; lastNumber: number };
}

const deltaHeaderColumns = ['issuerId', 'partition', 'number', 'thisUpdate', 'nextUpdate', 'entries'] as const;
const revisionColumns = ['issuerId', 'partition', 'number', 'changedAt', 'lastNumber'] as const;
