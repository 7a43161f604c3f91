/** Enrollments that take several messages or an approval, and the recorded answers for retransmissions. */
import { sql } from 'kysely';
import type { Statement } from './change.js';
import type { Database } from './database.js';
import { createEnrollmentApprovals } from './enrollment-approvals.js';
import { slotsOf } from './query.js';

export type EnrollmentTransactionState = 'pending' | 'approved' | 'issued' | 'rejected';

export interface EnrollmentTransactionRecord {
  /** What makes a retransmission the same transaction; each protocol composes its own. */
  readonly key: string;
  readonly requestId: string;
  readonly policy: string;
  readonly groupName: string | null;
  readonly protocol: string;
  readonly state: EnrollmentTransactionState;
  /** JSON text: the neutral request, without secrets. */
  readonly request: string;
  /** JSON text: who asked. */
  readonly identity: string;
  /** JSON text: the decision trace. */
  readonly trace: string;
  /** The certificate that answers it: the generation of the CA and the serial number, lower-case hex. */
  readonly certificateIssuer: string | null;
  readonly certificateSerial: string | null;
  /** Epoch milliseconds, as are the other times. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** From then on the key may start a new transaction. */
  readonly expiresAt: number;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  /** What later messages find it by that repeat nothing of the request; null where the protocol has none. */
  readonly conversation: string | null;
}

export interface EnrollmentTransactionFilter {
  readonly state?: EnrollmentTransactionState;
  readonly policy?: string;
  /** Not an empty list. */
  readonly policies?: readonly string[];
  /** The device group that its label named. */
  readonly groupName?: string;
  readonly protocol?: string;
  /** As they came, oldest first, if not given. */
  readonly order?: TransactionOrder;
  /** The last transaction of the page before. */
  readonly after?: TransactionPlace;
  /** The last one to look at. */
  readonly upTo?: TransactionPlace;
  /** The size of a page. */
  readonly limit: number;
}

export interface TransactionOrder {
  readonly by: 'createdAt' | 'updatedAt';
  readonly descending: boolean;
}

/** A place in an order of requests: that of one, which may be gone. */
export interface TransactionPlace {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly requestId: string;
}

interface Move {
  readonly key: string;
  readonly requestId: string;
  readonly from: EnrollmentTransactionState;
  readonly at: number;
  readonly expiresAt: number;
}

interface CertificateName {
  readonly certificateIssuer: string;
  readonly certificateSerial: string;
}

export function createEnrollmentTransactionRepository(database: Database) {
  const { write, find, list } = database.tables<{ enrollmentTransaction: EnrollmentTransactionRecord }>();
  const { removeOrphaned, ...approvals } = createEnrollmentApprovals(database);
  const removeExpired = write((db, slot: { now: number }) =>
    db.deleteFrom('enrollmentTransaction').where('expiresAt', '<=', slot.now),
  );

  return {
    ...approvals,

    /** Takes the place of one that expires by `expiredBy`. Refused as 'duplicate-transaction' if one of this key lasts longer. */
    insert: write(
      (db, slot: EnrollmentTransactionRecord & { readonly expiredBy: number }) =>
        db
          .insertInto('enrollmentTransaction')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) =>
            conflict
              .column('key')
              .doUpdateSet((row) => ({
                requestId: row.ref('excluded.requestId'),
                policy: row.ref('excluded.policy'),
                groupName: row.ref('excluded.groupName'),
                protocol: row.ref('excluded.protocol'),
                state: row.ref('excluded.state'),
                request: row.ref('excluded.request'),
                identity: row.ref('excluded.identity'),
                trace: row.ref('excluded.trace'),
                certificateIssuer: row.ref('excluded.certificateIssuer'),
                certificateSerial: row.ref('excluded.certificateSerial'),
                createdAt: row.ref('excluded.createdAt'),
                updatedAt: row.ref('excluded.updatedAt'),
                expiresAt: row.ref('excluded.expiresAt'),
                decidedBy: row.ref('excluded.decidedBy'),
                reason: row.ref('excluded.reason'),
                conversation: row.ref('excluded.conversation'),
              }))
              .where('enrollmentTransaction.expiresAt', '<=', slot.expiredBy),
          ),
      { rows: 1, otherwise: 'duplicate-transaction' },
    ),

    /** Expired ones too, until they are removed. */
    findByKey: find((db, slot: { key: string }) =>
      db.selectFrom('enrollmentTransaction').select(columns).where('key', '=', slot.key),
    ),

    findByRequestId: find((db, slot: { requestId: string }) =>
      db.selectFrom('enrollmentTransaction').select(columns).where('requestId', '=', slot.requestId),
    ),

    /** The latest of a conversation, be it expired: a client that begins anew means its latest request. */
    findByConversation: find((db, slot: { conversation: string }) =>
      db
        .selectFrom('enrollmentTransaction')
        .select(columns)
        .where('conversation', '=', slot.conversation)
        .orderBy('createdAt', 'desc')
        .orderBy('requestId', 'desc')
        .limit(1),
    ),

    /** A page of those that fit every given filter. */
    list: (filter: EnrollmentTransactionFilter) =>
      list((db) => {
        const { policies, order = oldestFirst, after, upTo, limit } = filter;
        let query = db.selectFrom('enrollmentTransaction').select(columns);
        for (const column of ['state', 'policy', 'groupName', 'protocol'] as const) {
          const wanted = filter[column];
          query = wanted === undefined ? query : query.where(column, '=', wanted);
        }
        if (filter.state !== undefined && filter.state !== 'issued') {
          // In the words of enrollment_transaction_open, so that SQLite sees that the index has them all.
          query = query.where('state', '<>', sql.lit('issued' as const));
        }
        const { by, descending } = order;
        if (after !== undefined) {
          query = query.where((row) =>
            row(row.refTuple(by, 'requestId'), descending ? '<' : '>', row.tuple(after.at, after.requestId)),
          );
        }
        if (upTo !== undefined) {
          query = query.where((row) =>
            row(row.refTuple(by, 'requestId'), descending ? '>=' : '<=', row.tuple(upTo.at, upTo.requestId)),
          );
        }
        if (policies !== undefined) query = query.where('policy', 'in', policies);
        const direction = descending ? 'desc' : 'asc';
        return query.orderBy(by, direction).orderBy('requestId', direction).limit(limit);
      }),

    /** Where a part of so many open ones ends, whatever their state and policy; undefined if there are no more. */
    endOfPart: async ({ by, descending }: TransactionOrder, after: TransactionPlace | undefined, size: number) => {
      const [end] = await list((db) => {
        let query = db
          .selectFrom('enrollmentTransaction')
          .select([`${by} as at`, 'requestId'])
          .where('state', '<>', sql.lit('issued' as const));
        if (after !== undefined) {
          query = query.where((row) =>
            row(row.refTuple(by, 'requestId'), descending ? '<' : '>', row.tuple(after.at, after.requestId)),
          );
        }
        const direction = descending ? 'desc' : 'asc';
        return query
          .orderBy(by, direction)
          .orderBy('requestId', direction)
          .limit(1)
          .offset(size - 1);
      });
      return end;
    },

    /**
     * Refused as 'invalid-state' unless it is in the state `from`, and still the transaction of this request id.
     * A null `decidedBy` or `reason` leaves what is recorded.
     */
    moveState: write(
      (
        db,
        slot: Move & {
          readonly to: EnrollmentTransactionState;
          readonly decidedBy: string | null;
          readonly reason: string | null;
        },
      ) =>
        db
          .updateTable('enrollmentTransaction')
          .set((row) => ({
            state: slot.to,
            decidedBy: row.fn.coalesce(sql<string | null>`${slot.decidedBy}`, 'decidedBy'),
            reason: row.fn.coalesce(sql<string | null>`${slot.reason}`, 'reason'),
            updatedAt: slot.at,
            expiresAt: slot.expiresAt,
          }))
          .where('key', '=', slot.key)
          .where('requestId', '=', slot.requestId)
          .where('state', '=', slot.from),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /**
     * Records the answer: the transaction is 'issued' (or again, with another certificate for a key that was not
     * delivered). Refused as 'unavailable' unless it is in the state `from`, and still that of this request id;
     * a second try sees what a parallel one recorded.
     */
    recordCertificate: write(
      (db, slot: Move & Pick<EnrollmentTransactionRecord, 'request'> & CertificateName) =>
        db
          .updateTable('enrollmentTransaction')
          .set({
            state: 'issued',
            request: slot.request,
            certificateIssuer: slot.certificateIssuer,
            certificateSerial: slot.certificateSerial,
            updatedAt: slot.at,
            expiresAt: slot.expiresAt,
          })
          .where('key', '=', slot.key)
          .where('requestId', '=', slot.requestId)
          .where('state', '=', slot.from),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Removes those that expired by `now` (epoch milliseconds), with their approvals. */
    removeExpired: (values: { now: number }): readonly Statement[] => [removeExpired(values), removeOrphaned({})],
  };
}

const oldestFirst: TransactionOrder = { by: 'createdAt', descending: false };

const columns = [
  'key',
  'requestId',
  'policy',
  'groupName',
  'protocol',
  'state',
  'request',
  'identity',
  'trace',
  'certificateIssuer',
  'certificateSerial',
  'createdAt',
  'updatedAt',
  'expiresAt',
  'decidedBy',
  'reason',
  'conversation',
] as const;
