/** Nonces that have been used, until they could not be used any more anyway (RFC 8555 6.5). */
import type { Database } from '../../../src/store/database.js';

interface UsedNonce {
  readonly nonce: Uint8Array;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export function createNonceStore(database: Database) {
  const { write } = database.tables<{ acmeUsedNonce: UsedNonce }>();
  return {
    /** Refused as `stale-message` when it has been used. */
    use: write(
      (db, slot: UsedNonce) =>
        db
          .insertInto('acmeUsedNonce')
          .values({ nonce: slot.nonce, expiresAt: slot.expiresAt })
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'stale-message' },
    ),

    removeExpired: write((db, slot: { now: number }) =>
      db.deleteFrom('acmeUsedNonce').where('expiresAt', '<=', slot.now),
    ),
  };
}
