/** Keys of CAs whose certificates others are to issue: an external CA, or one whose key is offline. One at a time for each CA. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface CaRequestRecord {
  /** The CA's name in the catalog. */
  readonly ca: string;
  /** Of the generation that comes of it. */
  readonly number: number;
  readonly keyId: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** CertificationRequest, DER. */
  readonly request: Uint8Array;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export function createCaRequestRepository(database: Database) {
  const { write, read, find } = database.tables<{ caRequest: CaRequestRecord }>();

  return {
    /** Refused as 'invalid-state' if the CA has one. */
    insert: write(
      (db, slot: CaRequestRecord) =>
        db
          .insertInto('caRequest')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    find: find((db, slot: { ca: string }) => db.selectFrom('caRequest').select(columns).where('ca', '=', slot.ca)),

    /** By CA. */
    all: read((db) => db.selectFrom('caRequest').select(columns).orderBy('ca')),

    /** Refused as 'invalid-state' if it was answered or dropped meanwhile. */
    remove: write(
      (db, slot: { ca: string; keyId: string }) =>
        db.deleteFrom('caRequest').where('ca', '=', slot.ca).where('keyId', '=', slot.keyId),
      { rows: 1, otherwise: 'invalid-state' },
    ),
  };
}

const columns = ['ca', 'number', 'keyId', 'publicKey', 'request', 'createdAt'] as const;
