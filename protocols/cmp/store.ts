/** CMP's own state: the PKI management operations that take several messages, and those whose answer may be asked again. */

import type { Statement } from '../../src/store/change.js';
import type { Database } from '../../src/store/database.js';
import { slotsOf } from '../../src/store/query.js';

/**
 * `challenged`: waits for a popdecr. `waiting`: for an approval, and is polled for. `unconfirmed`: for a certConf.
 * `confirmed` and `closed`: nothing more is to come.
 */
export type TransactionState = 'challenged' | 'waiting' | 'unconfirmed' | 'confirmed' | 'closed';

export interface TransactionRecord {
  /** The policy and the transactionID. */
  readonly key: string;
  readonly state: TransactionState;
  /** `Requester.id` of who began it. */
  readonly requester: string;
  /** What the first message was protected by: `signature`, or the name of the MAC's algorithm. */
  readonly protection: string;
  /** The type of the answer: ip, cp, kup or ccp; rp; genp of one that was made to wait. */
  readonly answerType: string;
  /** What its messages speak of: -1 is the whole message. */
  readonly certReqId: number;
  /** SHA-256 of the first message, lower-case hex. */
  readonly messageHash: string;
  /** The policy and the SHA-256 of its PKCS #10 request. */
  readonly csrHash: string | null;
  /** The senderNonces of the client so far, lower-case hex, the latest last, with blanks between them. */
  readonly clientNonces: string;
  /** The senderNonce of the last answer. */
  readonly serverNonce: Uint8Array;
  /** DER, once there is one. */
  readonly certificate: Uint8Array | null;
  /** Whether the certificate differs from the wishes: 0 or 1. */
  readonly isModified: number;
  /** What a pending request is polled by. */
  readonly requestId: string | null;
  /** The first message, where later ones need it. */
  readonly message: Uint8Array | null;
  /** The number that a popdecr has to give back, lower-case hex. */
  readonly challenge: string | null;
  /** Epoch milliseconds, as are the others. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** What changes from one message of an operation to the next. */
export type TransactionProgress = Pick<
  TransactionRecord,
  | 'key'
  | 'state'
  | 'clientNonces'
  | 'serverNonce'
  | 'certificate'
  | 'isModified'
  | 'requestId'
  | 'message'
  | 'challenge'
  | 'expiresAt'
> & { readonly from: TransactionState; readonly lastNonces: string };

/** What the store makes for a commit. */
export type TransactionWrite = Statement;

export type TransactionStore = ReturnType<typeof createTransactionStore>;

export function createTransactionStore(database: Database) {
  const { write, find } = database.tables<{ cmpTransaction: TransactionRecord }>();
  return {
    find: find((db, slot: { key: string; now: number }) =>
      db.selectFrom('cmpTransaction').select(columns).where('key', '=', slot.key).where('expiresAt', '>', slot.now),
    ),

    /** Whether an operation has the very PKCS #10 request. */
    findByCsr: find((db, slot: { csrHash: string; now: number }) =>
      db
        .selectFrom('cmpTransaction')
        .select('key')
        .where('csrHash', '=', slot.csrHash)
        .where('expiresAt', '>', slot.now)
        .limit(1),
    ),

    /** Refused as `invalid-state` while another one with the transactionID lasts. */
    insert: write(
      (db, slot: TransactionRecord) =>
        db
          .insertInto('cmpTransaction')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Makes room for a transactionID that is used again. */
    removeEnded: write((db, slot: { key: string; now: number }) =>
      db.deleteFrom('cmpTransaction').where('key', '=', slot.key).where('expiresAt', '<=', slot.now),
    ),

    /** Refused as `invalid-state` when another message of the operation was first. */
    proceed: write(
      (db, slot: TransactionProgress) =>
        db
          .updateTable('cmpTransaction')
          .set({
            state: slot.state,
            clientNonces: slot.clientNonces,
            serverNonce: slot.serverNonce,
            certificate: slot.certificate,
            isModified: slot.isModified,
            requestId: slot.requestId,
            message: slot.message,
            challenge: slot.challenge,
            expiresAt: slot.expiresAt,
          })
          .where('key', '=', slot.key)
          .where('state', '=', slot.from)
          .where('clientNonces', '=', slot.lastNonces),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    removeExpired: write((db, slot: { now: number }) =>
      db.deleteFrom('cmpTransaction').where('expiresAt', '<=', slot.now),
    ),
  };
}

const columns = [
  'key',
  'state',
  'requester',
  'protection',
  'answerType',
  'certReqId',
  'messageHash',
  'csrHash',
  'clientNonces',
  'serverNonce',
  'certificate',
  'isModified',
  'requestId',
  'message',
  'challenge',
  'createdAt',
  'expiresAt',
] as const;
