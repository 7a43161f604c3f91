/** The catalog's documents as the operator last applied them, and the version that tells other nodes of a change. */
import type { QueryCreator } from 'kysely';
import type { Database } from './database.js';
import { isBeyond, type NamedOrder, type NamedPlace } from './named-order.js';
import { slotsOf } from './query.js';

export interface CatalogItemRecord {
  readonly kind: string;
  readonly name: string;
  /** JSON text. */
  readonly document: string;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
}

export interface CatalogPage {
  readonly kind: string;
  readonly order: NamedOrder<'updatedAt'>;
  /** The last one of the page before. */
  readonly after?: NamedPlace;
  readonly limit: number;
}

interface CatalogVersionRow {
  readonly id: number;
  readonly number: number;
}

interface Tables {
  catalogItem: CatalogItemRecord;
  catalogVersion: CatalogVersionRow;
}

export function createCatalogRepository(database: Database) {
  const { write, read, find, list } = database.tables<Tables>();
  const version = find((db, slot: { id: number }) =>
    db.selectFrom('catalogVersion').select('number').where('id', '=', slot.id),
  );
  const items = read((db) => db.selectFrom('catalogItem').select(columns).orderBy('kind').orderBy('name'));

  return {
    /** Every document, by kind and name. */
    items: () => items({}),

    find: find((db, slot: { kind: string; name: string }) =>
      db.selectFrom('catalogItem').select(columns).where('kind', '=', slot.kind).where('name', '=', slot.name),
    ),

    /** A page of the documents of one kind. */
    ofKind: ({ kind, order, after, limit }: CatalogPage) =>
      list((db) => {
        let query = db.selectFrom('catalogItem').select(columns).where('kind', '=', kind);
        if (after !== undefined) query = query.where(isBeyond(order, after));
        const direction = order.descending ? 'desc' : 'asc';
        return query.orderBy(order.by, direction).orderBy('name', direction).limit(limit);
      }),

    /** Guard: refuses the change as 'not-found' unless there is this document. */
    require: write(untouched, { rows: 1, otherwise: 'not-found' }),

    /**
     * Guard for what relies on an older reading of the configuration: refuses the change as 'unavailable' if the document was
     * removed meanwhile.
     */
    requireStill: write(untouched, { rows: 1, otherwise: 'unavailable' }),

    /** The number of changes so far; 0 in a new database. */
    version: async () => (await version({ id: 1 }))?.number ?? 0,

    /** Guard: refuses the change as 'unavailable' if somebody has changed the catalog since it was of this version. */
    requireVersion: write(
      (db, slot: { expected: number }) =>
        db
          .updateTable('catalogVersion')
          .set((row) => ({ number: row.ref('number') }))
          .where('id', '=', 1)
          .where('number', '=', slot.expected),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Adds or replaces a document. */
    put: write((db, slot: CatalogItemRecord) =>
      db
        .insertInto('catalogItem')
        .values(slotsOf(slot, columns))
        .onConflict((conflict) =>
          conflict.columns(['kind', 'name']).doUpdateSet((row) => ({
            document: row.ref('excluded.document'),
            updatedAt: row.ref('excluded.updatedAt'),
          })),
        ),
    ),

    remove: write((db, slot: { kind: string; name: string }) =>
      db.deleteFrom('catalogItem').where('kind', '=', slot.kind).where('name', '=', slot.name),
    ),

    /** Belongs to every change of documents: refuses it as 'unavailable' if somebody else changed the catalog meanwhile. */
    bumpVersion: write(
      (db, slot: { expected: number }) =>
        db
          .updateTable('catalogVersion')
          .set((row) => ({ number: row('number', '+', 1) }))
          .where('id', '=', 1)
          .where('number', '=', slot.expected),
      { rows: 1, otherwise: 'unavailable' },
    ),
  };
}

/** A write that changes nothing of a document, and finds out whether there is one. */
function untouched(db: QueryCreator<Tables>, { kind, name }: { kind: string; name: string }) {
  return db
    .updateTable('catalogItem')
    .set((row) => ({ name: row.ref('name') }))
    .where('kind', '=', kind)
    .where('name', '=', name);
}

const columns = ['kind', 'name', 'document', 'updatedAt'] as const;
