/** Authorizations with their challenges (RFC 8555 7.1.4, 7.1.5). */
import { sql } from 'kysely';
import type { AcmeIdentifierType } from '../../../src/model/acme.js';
import type { Database } from '../../../src/store/database.js';
import { slotsOf } from '../../../src/store/query.js';

export interface AuthorizationRecord {
  readonly id: string;
  readonly accountId: string;
  readonly policy: string;
  readonly identifierType: AcmeIdentifierType;
  /** Without the `*.` of a wildcard. */
  readonly identifierValue: string;
  /** 0 or 1. */
  readonly isWildcard: number;
  /** As committed; a pending or valid one that has expired is invalid or expired all the same. */
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated';
  /** JSON: a list of Challenge (challenge.ts). */
  readonly challenges: string;
  /** Grows with every change: whoever changes it says which one it has read. */
  readonly revision: number;
  /** Fingerprint of the key that an attestation has told of, lower-case hex. */
  readonly attestedKey: string | null;
  /** The authentication CA that the attestation chains to, by name. */
  readonly attestedBy: string | null;
  /** When the next attempt at validation is due, if one is. Whoever makes it puts this off first. Epoch milliseconds. */
  readonly validateAt: number | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

type AuthorizationProgress = Pick<
  AuthorizationRecord,
  'id' | 'status' | 'challenges' | 'attestedKey' | 'attestedBy' | 'validateAt' | 'expiresAt'
> & { readonly from: number };

export type AuthorizationStore = ReturnType<typeof createAuthorizationStore>;

export function createAuthorizationStore(database: Database) {
  const { write, find, read } = database.tables<{ acmeAuthorization: AuthorizationRecord }>();
  return {
    find: find((db, slot: { id: string; accountId: string }) =>
      db
        .selectFrom('acmeAuthorization')
        .select(columns)
        .where('id', '=', slot.id)
        .where('accountId', '=', slot.accountId),
    ),

    /** Valid ones of an account for an identifier, those that last longest first; not all, where it has had many made. */
    findValid: read(
      (
        db,
        slot: {
          accountId: string;
          identifierType: AcmeIdentifierType;
          identifierValue: string;
          isWildcard: number;
          now: number;
        },
      ) =>
        db
          .selectFrom('acmeAuthorization')
          .select(columns)
          .where('accountId', '=', slot.accountId)
          .where('identifierValue', '=', slot.identifierValue)
          .where('identifierType', '=', slot.identifierType)
          .where('isWildcard', '=', slot.isWildcard)
          .where('status', '=', valid)
          .where('expiresAt', '>', slot.now)
          .orderBy('expiresAt', 'desc')
          .limit(maximumValid),
    ),

    /** Whether an account has more than `offset` that nobody has proved yet. */
    pendingOf: find((db, slot: { accountId: string; now: number; offset: number }) =>
      db
        .selectFrom('acmeAuthorization')
        .select('id')
        .where('accountId', '=', slot.accountId)
        .where('status', '=', pending)
        .where('expiresAt', '>', slot.now)
        .limit(1)
        .offset(slot.offset),
    ),

    /** When the last but `offset` authorization for an identifier was made: what tells whether there are too many. */
    madeFor: find(
      (db, slot: { policy: string; identifierType: AcmeIdentifierType; identifierValue: string; offset: number }) =>
        db
          .selectFrom('acmeAuthorization')
          .select('createdAt')
          .where('identifierValue', '=', slot.identifierValue)
          .where('identifierType', '=', slot.identifierType)
          .where('policy', '=', slot.policy)
          .orderBy('createdAt', 'desc')
          .limit(1)
          .offset(slot.offset),
    ),

    /** Those whose validation is due. */
    due: read((db, slot: { now: number; limit: number }) =>
      db
        .selectFrom('acmeAuthorization')
        .select(columns)
        .where('validateAt', '<=', slot.now)
        .orderBy('validateAt')
        .limit(slot.limit),
    ),

    insert: write((db, slot: AuthorizationRecord) => db.insertInto('acmeAuthorization').values(slotsOf(slot, columns))),

    /** Refused as `invalid-state` when it was changed since it was read. */
    proceed: write(
      (db, slot: AuthorizationProgress) =>
        db
          .updateTable('acmeAuthorization')
          .set((row) => ({
            status: slot.status,
            challenges: slot.challenges,
            attestedKey: slot.attestedKey,
            attestedBy: slot.attestedBy,
            validateAt: slot.validateAt,
            expiresAt: slot.expiresAt,
            revision: row('revision', '+', 1),
          }))
          .where('id', '=', slot.id)
          .where('revision', '=', slot.from),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Ends the authorizations of an account that nobody has proved yet, and with the next one those that hold. */
    failPendingOf: write((db, slot: { accountId: string }) =>
      db
        .updateTable('acmeAuthorization')
        .set((row) => ({ status: 'invalid', validateAt: null, revision: row('revision', '+', 1) }))
        .where('accountId', '=', slot.accountId)
        .where('status', '=', pending),
    ),

    failValidOf: write((db, slot: { accountId: string }) =>
      db
        .updateTable('acmeAuthorization')
        .set((row) => ({ status: 'invalid', validateAt: null, revision: row('revision', '+', 1) }))
        .where('accountId', '=', slot.accountId)
        .where('status', '=', valid),
    ),

    removeExpired: write((db, slot: { before: number; limit: number }) =>
      db
        .deleteFrom('acmeAuthorization')
        .where('id', 'in', (row) =>
          row
            .selectFrom('acmeAuthorization as old')
            .select('old.id')
            .where('old.expiresAt', '<=', slot.before)
            .orderBy('old.expiresAt')
            .limit(slot.limit),
        ),
    ),
  };
}

/** Written out: an index of only these is not used for a value that is not known beforehand. */
const valid = sql.lit('valid' as const);
const pending = sql.lit('pending' as const);

/** One would do, but for those that a change of the policy has made useless. */
const maximumValid = 20;

const columns = [
  'id',
  'accountId',
  'policy',
  'identifierType',
  'identifierValue',
  'isWildcard',
  'status',
  'challenges',
  'revision',
  'attestedKey',
  'attestedBy',
  'validateAt',
  'createdAt',
  'expiresAt',
] as const;
