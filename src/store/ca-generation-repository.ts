/** The generations of each CA: one current, at most; a CA that is rolled over keeps its earlier ones. */
import { sql } from 'kysely';
import type { GenerationState } from '../model/certificate-authority.js';
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface CaGenerationRecord {
  /** Part of the URLs that are frozen into certificates, such as quickstart-ec-1. */
  readonly id: string;
  /** The CA's name in the catalog. */
  readonly ca: string;
  /** Unique within the CA. */
  readonly number: number;
  readonly state: GenerationState;
  /** The CA certificate, DER. */
  readonly certificate: Uint8Array;
  readonly keyId: string;
  /** The generation that issued this one; null for a root. */
  readonly parent: string | null;
  /** Epoch milliseconds, as are the other times. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly createdAt: number;
  /** The base URLs that are in certificates it has signed: a JSON array; null until the first is written down. */
  readonly baseUrls: string | null;
}

export function createCaGenerationRepository(database: Database) {
  const { write, read, find } = database.tables<{ caGeneration: CaGenerationRecord }>();
  const all = read((db) => db.selectFrom('caGeneration').select(allColumns).orderBy('ca').orderBy('number'));

  return {
    /** Refused as 'invalid-state' if its id or number is taken, or if it is current and the CA has a current one. */
    insert: write(
      (db, slot: Omit<CaGenerationRecord, 'baseUrls'>) =>
        db
          .insertInto('caGeneration')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Every generation, by CA and number. */
    all: () => all({}),

    find: find((db, slot: { id: string }) =>
      db.selectFrom('caGeneration').select(allColumns).where('id', '=', slot.id),
    ),

    /** Refused as 'invalid-state' unless they were `from` before (empty text for none): another process has added one. */
    setBaseUrls: write(
      (db, slot: { id: string; from: string; to: string }) =>
        db
          .updateTable('caGeneration')
          .set({ baseUrls: slot.to })
          .where('id', '=', slot.id)
          .where((row) => row(row.fn.coalesce('baseUrls', sql.lit('')), '=', slot.from)),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /**
     * Refused as 'invalid-state' if the generation is not in the state `from`, or if `to` is current while another one
     * is: a roll-over retires the old generation first and then activates the new one, in one change.
     */
    setState: write(
      (db, slot: { id: string; from: GenerationState; to: GenerationState }) =>
        db
          .updateTable('caGeneration')
          .set({ state: slot.to })
          .where('id', '=', slot.id)
          .where('state', '=', slot.from)
          .where((row) =>
            row.or([
              row(sql`cast(${slot.to} as text)`, '<>', 'current'),
              row.not(
                row.exists(
                  row
                    .selectFrom('caGeneration as other')
                    .select('other.id')
                    .whereRef('other.ca', '=', 'caGeneration.ca')
                    .where('other.state', '=', 'current'),
                ),
              ),
            ]),
          ),
      { rows: 1, otherwise: 'invalid-state' },
    ),
  };
}

const columns = [
  'id',
  'ca',
  'number',
  'state',
  'certificate',
  'keyId',
  'parent',
  'notBefore',
  'notAfter',
  'createdAt',
] as const;
const allColumns = [...columns, 'baseUrls'] as const;
