/** The API keys of the management API, by their hash. */
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { ApiKeyRecord, UserRecord } from './access-record.js';
import { containsText } from './contains-text.js';
import type { Database } from './database.js';
import { byName, isBeyond, type NamedOrder, type NamedPlace } from './named-order.js';
import { slotsOf } from './query.js';

/** What its owner's record says of it; null where there is none. */
export interface OwnedApiKeyRecord extends ApiKeyRecord {
  readonly ownerName: string | null;
  readonly ownerEnabled: number | null;
  readonly ownerGrants: string | null;
}

/** `disabled`: by its user, who is disabled or deleted. */
export type ApiKeyState = 'valid' | 'disabled' | 'expired' | 'revoked';

export interface ApiKeyFilter {
  /** Id of a user. */
  readonly owner?: string;
  /** As it is `at` (epoch milliseconds). */
  readonly state?: { readonly is: ApiKeyState; readonly at: number };
  /** A part of the name, in upper or lower case. */
  readonly search?: string;
  /** By name if not given. */
  readonly order?: NamedOrder<'createdAt'>;
  /** The last one of the page before. */
  readonly after?: NamedPlace;
  /** The size of a page. */
  readonly limit: number;
}

export function createApiKeyRepository(database: Database) {
  const { write, find, list } = database.tables<Tables>();

  return {
    /** Refused as 'duplicate-request' if there is, or was, one of this name. */
    insert: write(
      (db, slot: ApiKeyRecord) =>
        db
          .insertInto('apiKey')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'duplicate-request' },
    ),

    /** Refused as 'already-revoked'. */
    revoke: write(
      (db, slot: { id: string; at: number }) =>
        db.updateTable('apiKey').set({ revokedAt: slot.at }).where('id', '=', slot.id).where('revokedAt', 'is', null),
      { rows: 1, otherwise: 'already-revoked' },
    ),

    revokeOfOwner: write((db, slot: { owner: string; at: number }) =>
      db
        .updateTable('apiKey')
        .set({ revokedAt: slot.at })
        .where('owner', '=', slot.owner)
        .where('revokedAt', 'is', null),
    ),

    used: write((db, slot: { id: string; at: number }) =>
      db.updateTable('apiKey').set({ lastUsedAt: slot.at }).where('id', '=', slot.id),
    ),

    /** Guard: refuses the change as 'bad-secret' if the key was revoked, or its owner disabled or deleted. */
    requireUnrevoked: write(
      (db, slot: { id: string }) =>
        db
          .updateTable('apiKey')
          .set((row) => ({ revokedAt: row.ref('revokedAt') }))
          .where('id', '=', slot.id)
          .where('revokedAt', 'is', null)
          .where((row) =>
            row.or([
              row('owner', 'is', null),
              row.exists(
                row
                  .selectFrom('user')
                  .select('user.id')
                  .whereRef('user.id', '=', 'apiKey.owner')
                  .where('user.enabled', '=', 1),
              ),
            ]),
          ),
      { rows: 1, otherwise: 'bad-secret' },
    ),

    findByLookup: find((db, slot: { lookup: string }) =>
      db
        .selectFrom('apiKey')
        .leftJoin('user', 'user.id', 'apiKey.owner')
        .select(ownedColumns)
        .where('apiKey.lookup', '=', slot.lookup),
    ),

    findById: find((db, slot: { id: string }) =>
      db
        .selectFrom('apiKey')
        .leftJoin('user', 'user.id', 'apiKey.owner')
        .select(ownedColumns)
        .where('apiKey.id', '=', slot.id),
    ),

    findByName: find((db, slot: { name: string }) =>
      db
        .selectFrom('apiKey')
        .leftJoin('user', 'user.id', 'apiKey.owner')
        .select(ownedColumns)
        .where('apiKey.name', '=', slot.name),
    ),

    /** A page of those that fit every given filter. */
    list: ({ owner, state, search, order = byName, after, limit }: ApiKeyFilter) =>
      list((db) => {
        let query = db.selectFrom('apiKey').leftJoin('user', 'user.id', 'apiKey.owner').select(ownedColumns);
        if (owner !== undefined) query = query.where('apiKey.owner', '=', owner);
        if (state) query = query.where((row) => isInState(row, state));
        if (search !== undefined) query = query.where((row) => containsText(row.ref('apiKey.name'), search));
        if (after !== undefined) query = query.where(isBeyond(order, after, 'apiKey'));
        const direction = order.descending ? 'desc' : 'asc';
        return query.orderBy(`apiKey.${order.by}`, direction).orderBy('apiKey.name', direction).limit(limit);
      }),
  };
}

interface Tables {
  apiKey: ApiKeyRecord;
  user: UserRecord;
}

function isInState(
  row: ExpressionBuilder<Tables, 'apiKey' | 'user'>,
  { is, at }: { readonly is: ApiKeyState; readonly at: number },
): Expression<SqlBool> {
  if (is === 'revoked') return row('apiKey.revokedAt', 'is not', null);
  const unrevoked = row('apiKey.revokedAt', 'is', null);
  if (is === 'expired') return row.and([unrevoked, row('apiKey.expiresAt', '<=', at)]);
  const current = row.or([row('apiKey.expiresAt', 'is', null), row('apiKey.expiresAt', '>', at)]);
  const supported = row.or([row('apiKey.owner', 'is', null), row('user.enabled', '=', 1)]);
  if (is === 'valid') return row.and([unrevoked, current, supported]);
  const unsupported = row.and([
    row('apiKey.owner', 'is not', null),
    row.or([row('user.enabled', 'is', null), row('user.enabled', '=', 0)]),
  ]);
  return row.and([unrevoked, current, unsupported]);
}

const columns = [
  'id',
  'name',
  'prefix',
  'lookup',
  'grants',
  'isAdministrator',
  'owner',
  'createdBy',
  'createdAt',
  'expiresAt',
  'lastUsedAt',
  'revokedAt',
] as const;

const ownedColumns = [
  ...columns.map((column) => `apiKey.${column}` as const),
  'user.name as ownerName',
  'user.enabled as ownerEnabled',
  'user.grants as ownerGrants',
] as const;
