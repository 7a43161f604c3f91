/** What devices, certificates, requests, jobs, users and API keys there are of an object of the configuration. */
import { type QueryCreator, type SelectQueryBuilder, sql } from 'kysely';
import type { ApiKeyRecord, UserRecord } from './access-record.js';
import { valid } from './certificate-counts.js';
import type { CertificateRecord } from './certificate-record.js';
import type { Database } from './database.js';
import type { DeviceRecord } from './device-record.js';
import type { EnrollmentTransactionRecord } from './enrollment-transaction-repository.js';
import type { JobRecord } from './job-record.js';

export function createConfigurationUseRepository(database: Database) {
  const { write, find } = database.tables<Tables>();
  const inUse = { rows: 1, otherwise: 'invalid-state' } as const;
  const endOfBatch = find((db, slot: { after: string; limit: number }) =>
    db
      .selectFrom(
        db
          .selectFrom('certificate')
          .select('id')
          .where('id', '>', slot.after)
          .orderBy('id')
          .limit(slot.limit)
          .as('batch'),
      )
      .select((row) => row.fn.max('id').as('id')),
  );
  const countDevicesOfDivision = find((db, slot: { division: string }) =>
    db.selectFrom(devicesOfDivision(db, slot).as('found')).select((row) => row.fn.countAll<number>().as('count')),
  );
  const countDevicesOfGroup = find((db, slot: { group: string }) =>
    db.selectFrom(devicesOfGroup(db, slot).as('found')).select((row) => row.fn.countAll<number>().as('count')),
  );

  return {
    countDevicesOfDivision: async (values: { division: string }) => (await countDevicesOfDivision(values))?.count ?? 0,
    countDevicesOfGroup: async (values: { group: string }) => (await countDevicesOfGroup(values))?.count ?? 0,

    deviceOfDivision: find((db, slot: { division: string }) => devicesOfDivision(db, slot).limit(1)),
    deviceOfGroup: find((db, slot: { group: string }) => devicesOfGroup(db, slot).limit(1)),
    jobOfDivision: find((db, slot: { division: string }) => jobsOfDivision(db, slot).limit(1)),

    /** A user with a role in the division; `grant` as {@link grantIn} has it. */
    userOfGrant: find((db, slot: { grant: string }) => usersOfGrant(db, slot).limit(1)),
    /** An API key that is not revoked, the same way. */
    apiKeyOfGrant: find((db, slot: { grant: string }) => apiKeysOfGrant(db, slot).limit(1)),

    /** One of a policy that is valid `at` (epoch milliseconds). */
    validCertificate: find((db, slot: OfPolicy) => validCertificates(db, slot).limit(1)),

    /** One of a policy that is on hold, and has not expired `at` (epoch milliseconds). */
    heldCertificate: find((db, slot: OfPolicy) =>
      db
        .selectFrom('certificate')
        .select('serialNumber')
        // In the words of certificate_revoked, so that SQLite sees that the index has them all.
        .where('status', '<>', valid)
        .where('status', '=', 'held')
        .where('policy', '=', slot.policy)
        .where('notAfter', '>=', slot.at)
        .limit(1),
    ),

    /** One of a policy that waits for people, or for its device. */
    openRequest: find((db, slot: { policy: string }) => openRequests(db, slot).limit(1)),

    /** The id of the last of so many certificates after one, by id; undefined when there are none. */
    endOfBatch: async (values: { after: string; limit: number }) => (await endOfBatch(values))?.id ?? undefined,

    /** One of a profile that is neither revoked nor expired `at` (epoch milliseconds), after an id and up to another one. */
    certificateOfProfile: find((db, slot: { profile: string; at: number; after: string; through: string }) =>
      db
        .selectFrom('certificate')
        .select('serialNumber')
        .where('id', '>', slot.after)
        .where('id', '<=', slot.through)
        .where('profile', '=', slot.profile)
        .where('status', '<>', 'revoked')
        .where('notAfter', '>=', slot.at)
        .limit(1),
    ),

    /** Guard: refuses the change as 'invalid-state' if a device is in the division. */
    requireNoDeviceOfDivision: write(
      (db, slot: { division: string }) => unless(db, devicesOfDivision(db, slot)),
      inUse,
    ),

    /** Guard: refuses the change as 'invalid-state' if a device is in the static group. */
    requireNoDeviceOfGroup: write((db, slot: { group: string }) => unless(db, devicesOfGroup(db, slot)), inUse),

    /** Guard: refuses the change as 'invalid-state' if a job is in the division. */
    requireNoJobOfDivision: write((db, slot: { division: string }) => unless(db, jobsOfDivision(db, slot)), inUse),

    /** Guard: refuses the change as 'invalid-state' if a user has such a grant; `grant` as {@link grantIn} has it. */
    requireNoUserOfGrant: write((db, slot: { grant: string }) => unless(db, usersOfGrant(db, slot)), inUse),

    /** Guard: refuses the change as 'invalid-state' if an API key that is not revoked has such a grant. */
    requireNoApiKeyOfGrant: write((db, slot: { grant: string }) => unless(db, apiKeysOfGrant(db, slot)), inUse),

    /** Guard: refuses the change as 'invalid-state' if the policy has a certificate that is valid `at` (epoch milliseconds). */
    requireNoValidCertificate: write((db, slot: OfPolicy) => unless(db, validCertificates(db, slot)), inUse),

    /** Guard: refuses the change as 'invalid-state' if a request of the policy waits. */
    requireNoOpenRequest: write((db, slot: { policy: string }) => unless(db, openRequests(db, slot)), inUse),
  };
}

/** What the grants of users and API keys, as they are stored, have in them where one is in the division. */
export function grantIn(division: string): string {
  return `"division":${JSON.stringify(division)}`;
}

interface Tables {
  device: DeviceRecord;
  job: JobRecord;
  user: UserRecord;
  apiKey: ApiKeyRecord;
  certificate: CertificateRecord;
  enrollmentTransaction: EnrollmentTransactionRecord;
  catalogVersion: { id: number; number: number };
}

interface OfPolicy {
  readonly policy: string;
  readonly at: number;
}

function devicesOfDivision(db: QueryCreator<Tables>, { division }: { division: string }) {
  return db.selectFrom('device').select('name').where('division', '=', division);
}

function devicesOfGroup(db: QueryCreator<Tables>, { group }: { group: string }) {
  return db.selectFrom('device').select('name').where('groupName', '=', group);
}

function jobsOfDivision(db: QueryCreator<Tables>, { division }: { division: string }) {
  return db.selectFrom('job').select('id').where('division', '=', division).where('deletedAt', 'is', null);
}

function usersOfGrant(db: QueryCreator<Tables>, { grant }: { grant: string }) {
  return db.selectFrom('user').select('name').where(hasPart('grants', grant));
}

function apiKeysOfGrant(db: QueryCreator<Tables>, { grant }: { grant: string }) {
  return db.selectFrom('apiKey').select('name').where('revokedAt', 'is', null).where(hasPart('grants', grant));
}

// Unlike the pattern of a search it tells upper from lower case.
function hasPart(column: string, part: string) {
  return sql<boolean>`replace(${sql.ref(column)}, ${part}, '') <> ${sql.ref(column)}`;
}

function validCertificates(db: QueryCreator<Tables>, { policy, at }: OfPolicy) {
  return db
    .selectFrom('certificate')
    .select('serialNumber')
    .where('policy', '=', policy)
    .where('status', '=', valid)
    .where('notAfter', '>=', at);
}

function openRequests(db: QueryCreator<Tables>, { policy }: { policy: string }) {
  return (
    db
      .selectFrom('enrollmentTransaction')
      .select('requestId')
      // In the words of enrollment_transaction_open, so that SQLite sees that the index has them all.
      .where('state', '<>', sql.lit('issued' as const))
      .where('state', 'in', ['pending', 'approved'])
      .where('policy', '=', policy)
  );
}

// A write that changes nothing, on a row that is always there.
function unless(db: QueryCreator<Tables>, found: SelectQueryBuilder<Tables, keyof Tables, object>) {
  return db
    .updateTable('catalogVersion')
    .set((row) => ({ number: row.ref('number') }))
    .where('id', '=', 1)
    .where((row) => row.not(row.exists(found)));
}
