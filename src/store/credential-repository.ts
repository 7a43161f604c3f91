/** What devices authenticate with, and how often each was used. */
import { type ExpressionBuilder, type QueryCreator, sql } from 'kysely';
import { createCredentialsOfDevice } from './credentials-of-device.js';
import type { Database } from './database.js';
import { isBeyond, type NamedOrder, type NamedPlace } from './named-order.js';
import { slotsOf } from './query.js';

export interface CredentialRecord {
  readonly id: string;
  /** The authentication policy's name in the catalog. */
  readonly authenticationPolicy: string;
  readonly kind: string;
  /** Unique within the authentication policy. */
  readonly name: string;
  readonly username: string | null;
  /** What a presented credential is found by: a passcode's HMAC, a certificate's fingerprint or a reference's octets, all in hex; or a key id. */
  readonly lookup: string | null;
  /** A secret that must be known to be used (CMP secret, EAB key, key-wrap key), under the key-encryption key. */
  readonly sealed: Uint8Array | null;
  /** DER. */
  readonly certificate: Uint8Array | null;
  /** How many enrollments it may open; null for any number. */
  readonly usageLimit: number | null;
  readonly uses: number;
  /** Epoch milliseconds, as are the other times; null for no bound. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  /** JSON text: a list of IP networks; null for all. */
  readonly allowedAddresses: string | null;
  /** JSON text: what the request's subject, SAN or device must equal. */
  readonly registeredValues: string | null;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  /** `message`: a device has set it. */
  readonly source: 'catalog' | 'command' | 'message';
}

/** What `replace` changes: everything but its history. */
export type CredentialDefinition = Omit<CredentialRecord, 'id' | 'uses' | 'createdAt' | 'revokedAt' | 'source'>;

export interface CredentialPage {
  readonly authenticationPolicy: string;
  readonly order: NamedOrder<'createdAt'>;
  /** The last one of the page before. */
  readonly after?: NamedPlace;
  readonly limit: number;
}

export type CredentialRepository = ReturnType<typeof createCredentialRepository>;

export function createCredentialRepository(database: Database) {
  const { write, read, find, list } = database.tables<Tables>();

  return {
    ...createCredentialsOfDevice(database),

    /** Refused as 'duplicate-request' if the authentication policy has a credential of this name. */
    insert: write(
      (db, slot: CredentialRecord) =>
        db
          .insertInto('credential')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'duplicate-request' },
    ),

    /** Defines the credential of this policy and name anew; it stays as used, and as revoked, as it was. Refused as 'not-found'. */
    replace: write(
      (db, slot: CredentialDefinition) =>
        db
          .updateTable('credential')
          .set(slotsOf(slot, definitionColumns))
          .where('authenticationPolicy', '=', slot.authenticationPolicy)
          .where('name', '=', slot.name),
      { rows: 1, otherwise: 'not-found' },
    ),

    /**
     * Puts a credential in the place of the one of this policy, kind and name, if there is one, with nothing of its history.
     * Refused as 'stale-message' by a younger one, which stays.
     */
    supersede: write(
      (db, slot: CredentialRecord) =>
        db
          .insertInto('credential')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) =>
            conflict
              .columns(['authenticationPolicy', 'name'])
              .doUpdateSet(slotsOf(slot, columns))
              .where('credential.kind', '=', slot.kind)
              .where('credential.createdAt', '<=', slot.createdAt),
          ),
      { rows: 1, otherwise: 'stale-message' },
    ),

    /** Guard, after the write: refuses the change as 'invalid-state' if another unrevoked one of the kind has the lookup value. */
    requireSoleLookup: write(
      (db, slot: Pick<CredentialRecord, 'id' | 'authenticationPolicy' | 'kind'> & { readonly lookup: string }) =>
        db
          .updateTable('credential')
          .set((row) => ({ uses: row.ref('uses') }))
          .where('id', '=', slot.id)
          .where((row) =>
            row.not(
              row.exists(
                row
                  .selectFrom('credential as other')
                  .select('other.id')
                  .where('other.authenticationPolicy', '=', slot.authenticationPolicy)
                  .where('other.kind', '=', slot.kind)
                  .where('other.lookup', '=', slot.lookup)
                  .where('other.id', '<>', slot.id)
                  .where('other.revokedAt', 'is', null),
              ),
            ),
          ),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    findById: find((db, slot: { id: string }) => db.selectFrom('credential').select(columns).where('id', '=', slot.id)),

    findByName: find((db, slot: { authenticationPolicy: string; name: string }) =>
      db
        .selectFrom('credential')
        .select(columns)
        .where('authenticationPolicy', '=', slot.authenticationPolicy)
        .where('name', '=', slot.name),
    ),

    /** All of this kind and lookup value, the unrevoked and latest first. */
    findByLookup: read((db, slot: { authenticationPolicy: string; kind: string; lookup: string }) =>
      db
        .selectFrom('credential')
        .select(columns)
        .where('authenticationPolicy', '=', slot.authenticationPolicy)
        .where('kind', '=', slot.kind)
        .where('lookup', '=', slot.lookup)
        .orderBy((row) => row.case().when('revokedAt', 'is', null).then(0).else(1).end())
        .orderBy('createdAt', 'desc')
        .orderBy('id'),
    ),

    /** The passcodes of this lookup value that have this user name, or none: the unrevoked first, those with the name before others. */
    findPasscodesOf: read(
      (db, slot: { authenticationPolicy: string; lookup: string; username: string; limit: number }) =>
        passcodes(db, slot)
          .where((row) => row.or([row('username', 'is', null), row('username', '=', slot.username)]))
          .orderBy((row) => row.case().when('username', 'is', null).then(1).else(0).end())
          .orderBy('createdAt', 'desc')
          .orderBy('id')
          .limit(slot.limit),
    ),

    /** The passcodes of this lookup value, whatever their user names: the unrevoked first. */
    findPasscodes: read((db, slot: { authenticationPolicy: string; lookup: string; limit: number }) =>
      passcodes(db, slot).orderBy('createdAt', 'desc').orderBy('id').limit(slot.limit),
    ),

    /** Those of one kind that are not revoked, by name. */
    unrevokedOfKind: read((db, slot: { authenticationPolicy: string; kind: string; limit: number }) =>
      db
        .selectFrom('credential')
        .select(columns)
        .where('authenticationPolicy', '=', slot.authenticationPolicy)
        .where('kind', '=', slot.kind)
        .where('revokedAt', 'is', null)
        .orderBy('name')
        .limit(slot.limit),
    ),

    /** What operators have made, by configuration or command, revoked ones too; by name. */
    listByPolicy: read((db, slot: { authenticationPolicy: string }) =>
      db
        .selectFrom('credential')
        .select(columns)
        .where('authenticationPolicy', '=', slot.authenticationPolicy)
        .where('source', '<>', 'message')
        .orderBy('name'),
    ),

    /** A page of what operators have made. */
    page: ({ authenticationPolicy, order, after, limit }: CredentialPage) =>
      list((db) => {
        let query = db
          .selectFrom('credential')
          .select(columns)
          .where('authenticationPolicy', '=', authenticationPolicy)
          // In the words of credential_created_at, so that SQLite sees that the index has them all.
          .where('source', '<>', sql.lit('message' as const));
        if (after !== undefined) query = query.where(isBeyond(order, after));
        const direction = order.descending ? 'desc' : 'asc';
        return query.orderBy(order.by, direction).orderBy('name', direction).limit(limit);
      }),

    /** Refused as 'invalid-state' if it was used. */
    removeUnused: write(
      (db, slot: { id: string }) => db.deleteFrom('credential').where('id', '=', slot.id).where('uses', '=', 0),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** All of an authentication policy. */
    removeByPolicy: write((db, slot: { authenticationPolicy: string }) =>
      db.deleteFrom('credential').where('authenticationPolicy', '=', slot.authenticationPolicy),
    ),

    /** Refused as 'not-found' if there is no such credential, or none that is not yet revoked. */
    revoke: write(
      (db, slot: { id: string; at: number }) =>
        db
          .updateTable('credential')
          .set({ revokedAt: slot.at })
          .where('id', '=', slot.id)
          .where('revokedAt', 'is', null),
      { rows: 1, otherwise: 'not-found' },
    ),

    /** Counts one use. Refused as 'bad-secret' if it is used up, revoked or outside its validity at `now` (epoch milliseconds). */
    consume: write(
      (db, slot: { id: string; now: number }) =>
        db
          .updateTable('credential')
          .set((row) => ({ uses: row('uses', '+', 1) }))
          .where('id', '=', slot.id)
          .where((row) => isValid(row, slot.now))
          .where((row) => row.or([row('usageLimit', 'is', null), row('uses', '<', row.ref('usageLimit'))])),
      { rows: 1, otherwise: 'bad-secret' },
    ),

    /** Guard for what a use that was counted before may still do. Refuses as 'bad-secret' if it was revoked since. */
    requireUnrevoked: write(
      (db, slot: { id: string }) =>
        db
          .updateTable('credential')
          .set((row) => ({ uses: row.ref('uses') }))
          .where('id', '=', slot.id)
          .where('revokedAt', 'is', null),
      { rows: 1, otherwise: 'bad-secret' },
    ),
  };
}

interface Tables {
  credential: CredentialRecord;
}

function passcodes(db: QueryCreator<Tables>, slot: { authenticationPolicy: string; lookup: string }) {
  return db
    .selectFrom('credential')
    .select(columns)
    .where('authenticationPolicy', '=', slot.authenticationPolicy)
    .where('kind', '=', 'passcode')
    .where('lookup', '=', slot.lookup)
    .orderBy((row) => row.case().when('revokedAt', 'is', null).then(0).else(1).end());
}

function isValid(row: ExpressionBuilder<Tables, 'credential'>, now: number) {
  return row.and([
    row('revokedAt', 'is', null),
    row.or([row('notBefore', 'is', null), row('notBefore', '<=', now)]),
    row.or([row('notAfter', 'is', null), row('notAfter', '>=', now)]),
  ]);
}

const definitionColumns = [
  'kind',
  'username',
  'lookup',
  'sealed',
  'certificate',
  'usageLimit',
  'notBefore',
  'notAfter',
  'allowedAddresses',
  'registeredValues',
] as const;

const columns = [
  'id',
  'authenticationPolicy',
  'name',
  ...definitionColumns,
  'uses',
  'createdAt',
  'revokedAt',
  'source',
] as const;
