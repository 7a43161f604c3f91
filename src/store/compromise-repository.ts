/** Acts on compromised devices that are not through: what a crash interrupts is gone on with. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface CompromiseRecord {
  readonly deviceId: string;
  /** Since when its keys are suspected, epoch milliseconds. */
  readonly since: number | null;
  /** JSON text: the Actor who has said so. */
  readonly actor: string;
  /** Grows with each part that is done: of several that work on it, one does the next part. */
  readonly step: number;
  /** When the last part was done, epoch milliseconds; 0 when nobody is at it. */
  readonly touchedAt: number;
}

export function createCompromiseRepository(database: Database) {
  const { write, read, find } = database.tables<{ deviceCompromise: CompromiseRecord }>();
  return {
    find: find((db, slot: { deviceId: string }) =>
      db.selectFrom('deviceCompromise').select(columns).where('deviceId', '=', slot.deviceId),
    ),

    /** Those that nobody has worked on since `before` (epoch milliseconds). */
    left: read((db, slot: { before: number; limit: number }) =>
      db
        .selectFrom('deviceCompromise')
        .select(columns)
        .where('touchedAt', '<=', slot.before)
        .orderBy('touchedAt')
        .limit(slot.limit),
    ),

    /** Refused as 'unavailable' if one of the device was begun meanwhile. */
    begin: write(
      (db, slot: CompromiseRecord) =>
        db
          .insertInto('deviceCompromise')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Guard: refuses the change as 'unavailable' unless this is the next part of it. */
    goOn: write(
      (db, slot: { deviceId: string; step: number; touchedAt: number }) =>
        db
          .updateTable('deviceCompromise')
          .set((row) => ({ step: row('step', '+', 1), touchedAt: slot.touchedAt }))
          .where('deviceId', '=', slot.deviceId)
          .where('step', '=', slot.step),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Refused as 'unavailable' unless nobody else has done another part. */
    end: write(
      (db, slot: { deviceId: string; step: number }) =>
        db.deleteFrom('deviceCompromise').where('deviceId', '=', slot.deviceId).where('step', '=', slot.step),
      { rows: 1, otherwise: 'unavailable' },
    ),
  };
}

const columns = ['deviceId', 'since', 'actor', 'step', 'touchedAt'] as const;
