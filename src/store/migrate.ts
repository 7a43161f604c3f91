/** Brings a database to this program's schema. Migrations are numbered, forward only, and never edited once released. */
import type { Compilable } from 'kysely';
import { GatewayError } from '../errors.js';
import type { Dialect } from './dialect.js';
import { createMigrationSchema, type Migration } from './migration.js';
import { initial } from './migrations/0001-initial.js';
import { conversations } from './migrations/0002-conversations.js';
import { confirmations } from './migrations/0003-confirmations.js';
import { cmpTransactions } from './migrations/0004-cmp-transactions.js';
import { certificateRequesters } from './migrations/0005-certificate-requesters.js';
import { acme } from './migrations/0006-acme.js';
import { plannedReplacements } from './migrations/0007-planned-replacements.js';
import { access } from './migrations/0008-access.js';
import { jobs } from './migrations/0009-jobs.js';
import { devices } from './migrations/0010-devices.js';
import { inventory } from './migrations/0011-inventory.js';
import { jobsRunFor } from './migrations/0012-jobs-run-for.js';
import { lists } from './migrations/0013-lists.js';
import { revocations } from './migrations/0014-revocations.js';
import { keyStores } from './migrations/0015-key-stores.js';
import { caLife } from './migrations/0016-ca-life.js';
import { unmanagedCas } from './migrations/0017-unmanaged-cas.js';
import { compromise } from './migrations/0018-compromise.js';
import { replaceBy } from './migrations/0019-replace-by.js';
import { caLinks } from './migrations/0020-ca-links.js';

/** In the order of their numbers: the schema's version is how many of them were applied. */
export const migrations: readonly Migration[] = [
  initial,
  conversations,
  confirmations,
  cmpTransactions,
  certificateRequesters,
  acme,
  plannedReplacements,
  access,
  jobs,
  devices,
  inventory,
  jobsRunFor,
  lists,
  revocations,
  keyStores,
  caLife,
  unmanagedCas,
  compromise,
  replaceBy,
  caLinks,
];

/** The table that tells the schema's version; it is made before the first migration. */
export function metaTable(dialect: Dialect): Compilable {
  const { table, text } = createMigrationSchema(dialect);
  return table('meta')
    .ifNotExists()
    .addColumn('name', text, (column) => column.notNull().primaryKey())
    .addColumn('value', text, (column) => column.notNull());
}

/** Where `meta` keeps the version, as decimal text. */
export const schemaVersionName = 'schema_version';

/**
 * What is left to apply to a database of this version, `undefined` for a new one.
 * @throws GatewayError 'internal' if a newer program has written the database
 */
export function pendingMigrations(version: string | undefined): readonly Migration[] {
  const applied = version === undefined ? 0 : Number(version);
  if (!Number.isSafeInteger(applied) || applied < 0 || applied > migrations.length) {
    throw new GatewayError(
      'internal',
      `the database has schema version ${version}, but this program knows only versions up to ${migrations.length}. ` +
        'It was written by a newer version of Gatehouse: start that version, or restore a backup',
    );
  }
  return migrations.slice(applied);
}
