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
  /** Empty where its key is not in the gateway: offline, or another's. */
  readonly keyId: string;
  /** The generation that issued this one; null for a root. */
  readonly parent: string | null;
  /** Epoch milliseconds, as are the other times. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly createdAt: number;
  /** The base URLs that are in certificates it has signed: a JSON array; null until the first is written down. */
  readonly baseUrls: string | null;
  /** Of a next one: when it becomes current. */
  readonly activateAt: number | null;
  /** Until when what earlier ones have issued is to be replaced, once this one is current; null where that is settled, or not wanted. */
  readonly replaceBy: number | null;
  readonly revokedAt: number | null;
}

/** As it is made. */
export type NewCaGenerationRecord = Omit<CaGenerationRecord, 'baseUrls' | 'activateAt' | 'replaceBy' | 'revokedAt'>;

interface Tables {
  caGeneration: CaGenerationRecord & { readonly droppedAt: number | null };
}

export function createCaGenerationRepository(database: Database) {
  const { write, read, find } = database.tables<Tables>();
  const all = read((db) =>
    db.selectFrom('caGeneration').select(columns).where('droppedAt', 'is', null).orderBy('ca').orderBy('number'),
  );
  const lastNumber = find((db, slot: { ca: string }) =>
    db.selectFrom('caGeneration').select('number').where('ca', '=', slot.ca).orderBy('number', 'desc').limit(1),
  );

  return {
    /** Refused as 'invalid-state' if its id or number is taken, or if it is current and the CA has a current one. */
    insert: write(
      (db, slot: NewCaGenerationRecord) =>
        db
          .insertInto('caGeneration')
          .values(slotsOf(slot, inserted))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Every generation that was not dropped, by CA and number. */
    all: () => all({}),

    /** What may change of each, which is little to read. */
    states: read((db) =>
      db
        .selectFrom('caGeneration')
        .select(['id', 'state', 'keyId', 'baseUrls', 'activateAt', 'replaceBy', 'revokedAt'])
        .where('droppedAt', 'is', null),
    ),

    find: find((db, slot: { id: string }) =>
      db.selectFrom('caGeneration').select(columns).where('id', '=', slot.id).where('droppedAt', 'is', null),
    ),

    /** The highest that a generation of the CA ever had, those that were dropped included; 0 if it never had one. */
    lastNumber: async (values: { ca: string }) => (await lastNumber(values))?.number ?? 0,

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
          .set({ state: slot.to, activateAt: null })
          .where('id', '=', slot.id)
          .where('state', '=', slot.from)
          .where('droppedAt', 'is', null)
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

    /** When a next one becomes current; null for no more. Refused as 'invalid-state' if it is not a next one. */
    schedule: write(
      (db, slot: { id: string; activateAt: number | null; replaceBy: number | null }) =>
        db
          .updateTable('caGeneration')
          .set({ activateAt: slot.activateAt, replaceBy: slot.replaceBy })
          .where('id', '=', slot.id)
          .where('state', '=', 'next')
          .where('droppedAt', 'is', null),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** What earlier ones have issued has its plan. Refused as 'invalid-state' if that was to be another one. */
    settleReplacement: write(
      (db, slot: { id: string; replaceBy: number }) =>
        db
          .updateTable('caGeneration')
          .set({ replaceBy: null })
          .where('id', '=', slot.id)
          .where('replaceBy', '=', slot.replaceBy),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Its number stays taken. Refused as 'invalid-state' if it is not a next one. */
    drop: write(
      (db, slot: { id: string; at: number }) =>
        db
          .updateTable('caGeneration')
          .set({ droppedAt: slot.at, keyId: '', activateAt: null })
          .where('id', '=', slot.id)
          .where('state', '=', 'next')
          .where('droppedAt', 'is', null),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Refused as 'already-revoked' if it is. */
    revoke: write(
      (db, slot: { id: string; at: number }) =>
        db
          .updateTable('caGeneration')
          .set({ revokedAt: slot.at })
          .where('id', '=', slot.id)
          .where('revokedAt', 'is', null)
          .where('droppedAt', 'is', null),
      { rows: 1, otherwise: 'already-revoked' },
    ),

    /** From now on its key is elsewhere. Refused as 'invalid-state' if it has not got this one. */
    takeOffline: write(
      (db, slot: { id: string; keyId: string }) =>
        db
          .updateTable('caGeneration')
          .set({ keyId: '' })
          .where('id', '=', slot.id)
          .where('keyId', '=', slot.keyId)
          .where('droppedAt', 'is', null),
      { rows: 1, otherwise: 'invalid-state' },
    ),
  };
}

const inserted = [
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
const columns = [...inserted, 'baseUrls', 'activateAt', 'replaceBy', 'revokedAt'] as const;
