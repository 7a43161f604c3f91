/** Orders (RFC 8555 7.1.3). */
import { sql } from 'kysely';
import type { Statement } from '../../../src/store/change.js';
import type { Database } from '../../../src/store/database.js';
import { slotsOf } from '../../../src/store/query.js';
import type { AuthorizationRecord } from './authorizations.js';

export interface OrderRecord {
  readonly id: string;
  readonly accountId: string;
  /** The label of the directory that it was made in; it is nowhere else. */
  readonly label: string;
  /** `open` is pending, ready or invalid: its authorizations and its time say which. `processing`: waits for an approval. */
  readonly status: 'open' | 'processing' | 'valid' | 'invalid';
  /** JSON: a list of AcmeIdentifier. */
  readonly identifiers: string;
  /** What the client wants, epoch milliseconds. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  readonly profile: string | null;
  /** The certificate that it replaces, as RFC 9773 4.1 names it. */
  readonly replaces: string | null;
  /** JSON: a problem document. */
  readonly error: string | null;
  /** DER. */
  readonly certificate: Uint8Array | null;
  /** What a request that waits for an approval is polled by. */
  readonly requestId: string | null;
  readonly createdAt: number;
  /** Of a valid one: when its certificate ends. */
  readonly expiresAt: number;
}

interface OrderAuthorization {
  readonly orderId: string;
  /** The order of the identifiers. */
  readonly position: number;
  readonly authorizationId: string;
}

interface Tables {
  readonly acmeOrder: OrderRecord;
  readonly acmeOrderAuthorization: OrderAuthorization;
  readonly acmeAuthorization: AuthorizationRecord;
}

type OrderProgress = Pick<OrderRecord, 'id' | 'status' | 'error' | 'certificate' | 'requestId' | 'expiresAt'> & {
  readonly from: OrderRecord['status'];
};

/** What the store makes for a commit. */
export type OrderWrite = Statement;

export type OrderStore = ReturnType<typeof createOrderStore>;

export function createOrderStore(database: Database) {
  const { write, find, read } = database.tables<Tables>();
  return {
    find: find((db, slot: { id: string; accountId: string; label: string }) =>
      db
        .selectFrom('acmeOrder')
        .select(columns)
        .where('id', '=', slot.id)
        .where('accountId', '=', slot.accountId)
        .where('label', '=', slot.label),
    ),

    /** The order that replaces a certificate, if one does. */
    findReplacing: find((db, slot: { replaces: string }) =>
      db.selectFrom('acmeOrder').select(columns).where('replaces', '=', slot.replaces).where('status', '<>', invalid),
    ),

    /**
     * The states of an order's authorizations, in the order of its identifiers. Those of a valid order may be removed before it:
     * of them nothing but the id is left.
     */
    authorizations: read((db, slot: { orderId: string }) =>
      db
        .selectFrom('acmeOrderAuthorization as link')
        .leftJoin('acmeAuthorization as authorization', 'authorization.id', 'link.authorizationId')
        .select([
          'link.authorizationId as id',
          'authorization.identifierType',
          'authorization.identifierValue',
          'authorization.isWildcard',
          'authorization.status',
          'authorization.challenges',
          'authorization.attestedKey',
          'authorization.attestedBy',
          'authorization.expiresAt',
        ])
        .where('link.orderId', '=', slot.orderId)
        .orderBy('link.position'),
    ),

    /** A page of the ids of an account's orders that are not invalid, later ones last. `after`: the id before the page, or ''. */
    ofAccount: read((db, slot: { accountId: string; label: string; after: string; now: number; limit: number }) =>
      db
        .selectFrom('acmeOrder')
        .select('id')
        .where('accountId', '=', slot.accountId)
        .where('id', '>', slot.after)
        .where('label', '=', slot.label)
        .where('status', '<>', 'invalid')
        .where('expiresAt', '>', slot.now)
        .orderBy('id')
        .limit(slot.limit),
    ),

    /** When the last but `offset` order of an account was made: what tells whether there are too many. */
    madeBy: find((db, slot: { accountId: string; offset: number }) =>
      db
        .selectFrom('acmeOrder')
        .select('createdAt')
        .where('accountId', '=', slot.accountId)
        .orderBy('id', 'desc')
        .limit(1)
        .offset(slot.offset),
    ),

    /** Refused as `duplicate-request` where another order replaces the same certificate. */
    insert: write(
      (db, slot: OrderRecord) =>
        db
          .insertInto('acmeOrder')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'duplicate-request' },
    ),

    insertAuthorization: write((db, slot: OrderAuthorization) =>
      db.insertInto('acmeOrderAuthorization').values(slotsOf(slot, ['orderId', 'position', 'authorizationId'])),
    ),

    /** Ends the open orders that an authorization was for, which has failed or was given up. `error`: JSON of the problem. */
    failOfAuthorization: write((db, slot: { authorizationId: string; error: string | null }) =>
      db
        .updateTable('acmeOrder')
        .set({ status: 'invalid', error: slot.error })
        .where('status', '=', 'open')
        .where('id', 'in', (row) =>
          row
            .selectFrom('acmeOrderAuthorization')
            .select('orderId')
            .where('authorizationId', '=', slot.authorizationId),
        ),
    ),

    /** Ends the open orders of an account, and those that wait for an approval. `error`: JSON of the problem. */
    failOfAccount: write((db, slot: { accountId: string; error: string }) =>
      db
        .updateTable('acmeOrder')
        .set({ status: 'invalid', error: slot.error })
        .where('accountId', '=', slot.accountId)
        .where('status', 'in', ['open', 'processing']),
    ),

    /** The orders of an account that wait for an approval. */
    waitingOf: read((db, slot: { accountId: string }) =>
      db
        .selectFrom('acmeOrder')
        .select(columns)
        .where('accountId', '=', slot.accountId)
        .where('status', '=', 'processing'),
    ),

    /** Those of them that an authorization was for. */
    waitingFor: read((db, slot: { authorizationId: string }) =>
      db
        .selectFrom('acmeOrder')
        .select(columns)
        .where('status', '=', 'processing')
        .where('id', 'in', (row) =>
          row
            .selectFrom('acmeOrderAuthorization')
            .select('orderId')
            .where('authorizationId', '=', slot.authorizationId),
        ),
    ),

    /** Refused as `invalid-state` when another message was first. */
    proceed: write(
      (db, slot: OrderProgress) =>
        db
          .updateTable('acmeOrder')
          .set({
            status: slot.status,
            error: slot.error,
            certificate: slot.certificate,
            requestId: slot.requestId,
            expiresAt: slot.expiresAt,
          })
          .where('id', '=', slot.id)
          .where('status', '=', slot.from),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** First the links, by the same orders, in the same commit. */
    removeExpiredLinks: write((db, slot: { before: number; limit: number }) =>
      db
        .deleteFrom('acmeOrderAuthorization')
        .where('orderId', 'in', (row) =>
          row
            .selectFrom('acmeOrder')
            .select('id')
            .where('expiresAt', '<=', slot.before)
            .orderBy('expiresAt')
            .orderBy('id')
            .limit(slot.limit),
        ),
    ),

    removeExpired: write((db, slot: { before: number; limit: number }) =>
      db
        .deleteFrom('acmeOrder')
        .where('id', 'in', (row) =>
          row
            .selectFrom('acmeOrder as old')
            .select('old.id')
            .where('old.expiresAt', '<=', slot.before)
            .orderBy('old.expiresAt')
            .orderBy('old.id')
            .limit(slot.limit),
        ),
    ),
  };
}

/** Written out: an index of all but these is not used for a value that is not known beforehand. */
const invalid = sql.lit('invalid' as const);

const columns = [
  'id',
  'accountId',
  'label',
  'status',
  'identifiers',
  'notBefore',
  'notAfter',
  'profile',
  'replaces',
  'error',
  'certificate',
  'requestId',
  'createdAt',
  'expiresAt',
] as const;
