/** The people who manage the gateway, and the certificates that they authenticate with. */
import type { ExpressionBuilder } from 'kysely';
import type { ApiKeyRecord, UserCertificateRecord, UserRecord } from './access-record.js';
import type { CertificateRecord } from './certificate-record.js';
import { containsText } from './contains-text.js';
import type { Database } from './database.js';
import type { MetaRow } from './meta-repository.js';
import { schemaVersionName } from './migrate.js';
import { byName, isBeyond, type NamedOrder, type NamedPlace } from './named-order.js';
import { slotsOf } from './query.js';

export type UserSortKey = 'createdAt' | 'updatedAt';

export interface UserFilter {
  readonly enabled?: boolean;
  /** A part of the name or the display name, in upper or lower case. */
  readonly search?: string;
  /** By name if not given. */
  readonly order?: NamedOrder<UserSortKey>;
  /** The last one of the page before. */
  readonly after?: NamedPlace;
  /** The size of a page. */
  readonly limit: number;
}

/** After all that ends by itself. */
export const forever = Number.MAX_SAFE_INTEGER;

export function createUserRepository(database: Database) {
  const { write, find, read, list } = database.tables<Tables>();

  return {
    /** Refused as 'duplicate-request' if the name is taken. */
    insert: write(
      (db, slot: UserRecord) =>
        db
          .insertInto('user')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'duplicate-request' },
    ),

    /** Refused as 'unavailable' if somebody has changed it since `seenAt`. */
    replace: write(
      (db, slot: Omit<UserRecord, 'createdAt' | 'lastSeenAt'> & { readonly seenAt: number }) =>
        db
          .updateTable('user')
          .set({
            displayName: slot.displayName,
            grants: slot.grants,
            isAdministrator: slot.isAdministrator,
            password: slot.password,
            enabled: slot.enabled,
            updatedAt: slot.updatedAt,
          })
          .where('id', '=', slot.id)
          .where('updatedAt', '=', slot.seenAt),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** After its certificates. Refused as 'unavailable' if somebody has changed it since `seenAt`. */
    remove: write(
      (db, slot: { id: string; seenAt: number }) =>
        db.deleteFrom('user').where('id', '=', slot.id).where('updatedAt', '=', slot.seenAt),
      { rows: 1, otherwise: 'unavailable' },
    ),

    seen: write((db, slot: { id: string; at: number }) =>
      db.updateTable('user').set({ lastSeenAt: slot.at }).where('id', '=', slot.id),
    ),

    /** Refused as 'duplicate-request' if it is a user's already. */
    addCertificate: write(
      (db, slot: UserCertificateRecord) =>
        db
          .insertInto('userCertificate')
          .values(slotsOf(slot, certificateColumns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'duplicate-request' },
    ),

    /** Refused as 'not-found' if the user has no such certificate. */
    removeCertificate: write(
      (db, slot: { userId: string; fingerprint: string }) =>
        db.deleteFrom('userCertificate').where('fingerprint', '=', slot.fingerprint).where('userId', '=', slot.userId),
      { rows: 1, otherwise: 'not-found' },
    ),

    removeCertificates: write((db, slot: { userId: string }) =>
      db.deleteFrom('userCertificate').where('userId', '=', slot.userId),
    ),

    /**
     * Guard, after a change: refuses it as 'invalid-state' unless somebody is left who can act as solution administrator of
     * everything, and will be able to `until` then (epoch milliseconds; {@link forever}) if nobody takes that away: an enabled
     * user with a password or a certificate that is valid then, or an API key.
     */
    requireAdministrator: write(
      (db, slot: { until: number }) =>
        db
          .updateTable('meta')
          .set((row) => ({ value: row.ref('value') }))
          .where('name', '=', schemaVersionName)
          .where((row) => isAdministered(row, slot)),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** A row if there is such a one. */
    findAdministered: find((db, slot: { until: number }) =>
      db
        .selectFrom('meta')
        .select('name')
        .where('name', '=', schemaVersionName)
        .where((row) => isAdministered(row, slot)),
    ),

    findById: find((db, slot: { id: string }) => db.selectFrom('user').select(columns).where('id', '=', slot.id)),

    findByName: find((db, slot: { name: string }) =>
      db.selectFrom('user').select(columns).where('name', '=', slot.name),
    ),

    /** Whose certificate it is, and how long that is valid. */
    findByCertificate: find((db, slot: { fingerprint: string }) =>
      db
        .selectFrom('userCertificate')
        .innerJoin('user', 'user.id', 'userCertificate.userId')
        .select(qualifiedColumns)
        .select(['userCertificate.notBefore', 'userCertificate.notAfter'])
        .where('userCertificate.fingerprint', '=', slot.fingerprint),
    ),

    certificatesOf: read((db, slot: { userId: string }) =>
      db
        .selectFrom('userCertificate')
        .select(certificateColumns)
        .where('userId', '=', slot.userId)
        .orderBy('addedAt')
        .orderBy('fingerprint'),
    ),

    /** A page of those that fit every given filter. */
    list: ({ enabled, search, order = byName, after, limit }: UserFilter) =>
      list((db) => {
        let query = db.selectFrom('user').select(columns);
        if (enabled !== undefined) query = query.where('enabled', '=', enabled ? 1 : 0);
        if (search !== undefined) {
          query = query.where((row) =>
            row.or([containsText(row.ref('name'), search), containsText(row.ref('displayName'), search)]),
          );
        }
        if (after !== undefined) query = query.where(isBeyond(order, after));
        const direction = order.descending ? 'desc' : 'asc';
        return query.orderBy(order.by, direction).orderBy('name', direction).limit(limit);
      }),
  };
}

interface Tables {
  user: UserRecord;
  userCertificate: UserCertificateRecord;
  apiKey: ApiKeyRecord;
  certificate: Pick<CertificateRecord, 'certificateFingerprint' | 'status'>;
  meta: MetaRow;
}

function isAdministered(row: ExpressionBuilder<Tables, 'meta'>, slot: { until: number }) {
  return row.or([row.exists(administratingUser(row, slot)), row.exists(administratingKey(row, slot))]);
}

function administratingUser(row: ExpressionBuilder<Tables, 'meta'>, slot: { until: number }) {
  return row
    .selectFrom('user')
    .select('user.id')
    .where('user.enabled', '=', 1)
    .where('user.isAdministrator', '=', 1)
    .where((user) =>
      user.or([
        user('user.password', 'is not', null),
        user.exists(
          user
            .selectFrom('userCertificate')
            .select('userCertificate.fingerprint')
            .whereRef('userCertificate.userId', '=', 'user.id')
            .where('userCertificate.notBefore', '<=', slot.until)
            .where('userCertificate.notAfter', '>', slot.until)
            .where((each) => each.not(each.exists(stoppedCertificate(each)))),
        ),
      ]),
    );
}

/** The certificate as one that was issued here and is revoked or on hold. */
function stoppedCertificate(row: ExpressionBuilder<Tables, 'userCertificate'>) {
  return row
    .selectFrom('certificate')
    .select('certificate.certificateFingerprint')
    .whereRef('certificate.certificateFingerprint', '=', 'userCertificate.fingerprint')
    .where('certificate.status', '!=', 'valid');
}

function administratingKey(row: ExpressionBuilder<Tables, 'meta'>, slot: { until: number }) {
  return row
    .selectFrom('apiKey')
    .leftJoin('user', 'user.id', 'apiKey.owner')
    .select('apiKey.id')
    .where('apiKey.isAdministrator', '=', 1)
    .where('apiKey.revokedAt', 'is', null)
    .where((key) => key.or([key('apiKey.expiresAt', 'is', null), key('apiKey.expiresAt', '>', slot.until)]))
    .where((key) =>
      key.or([
        key('apiKey.owner', 'is', null),
        key.and([key('user.enabled', '=', 1), key('user.isAdministrator', '=', 1)]),
      ]),
    );
}

const columns = [
  'id',
  'name',
  'displayName',
  'grants',
  'isAdministrator',
  'password',
  'enabled',
  'createdAt',
  'updatedAt',
  'lastSeenAt',
] as const;
const qualifiedColumns = columns.map((column) => `user.${column}` as const);

const certificateColumns = ['fingerprint', 'userId', 'der', 'subject', 'notBefore', 'notAfter', 'addedAt'] as const;
