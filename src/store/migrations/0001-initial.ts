/** The first schema. Times are epoch milliseconds, JSON is text, serial numbers and fingerprints are lower-case hex. */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { Migration, MigrationSchema } from '../migration.js';

export const initial: Migration = {
  name: '0001-initial',
  statements: (schema) => [
    ...catalog(schema),
    ...authorities(schema),
    ...devices(schema),
    ...certificates(schema),
    ...credentials(schema),
    ...transactions(schema),
    ...auditAndLeases(schema),
  ],
};

function catalog({ table, text, integer, queries }: MigrationSchema): Compilable[] {
  return [
    table('catalog_item')
      .addColumn('kind', text, required)
      .addColumn('name', text, required)
      .addColumn('document', text, required)
      .addColumn('updated_at', integer, required)
      .addPrimaryKeyConstraint('catalog_item_key', ['kind', 'name']),
    table('catalog_version').addColumn('id', integer, primaryKey).addColumn('number', integer, required),
    queries<{ catalogVersion: { id: number; number: number } }>()
      .insertInto('catalogVersion')
      .values({ id: 1, number: 0 }),
  ];
}

function authorities({ table, createIndex, text, integer, bytes }: MigrationSchema): Compilable[] {
  return [
    table('key')
      .addColumn('id', text, primaryKey)
      .addColumn('purpose', text, required)
      .addColumn('algorithm', text, required)
      .addColumn('public_key', bytes, required)
      .addColumn('sealed', bytes, required)
      .addColumn('created_at', integer, required),
    createIndex('key_purpose').on('key').columns(['purpose', 'created_at']),
    table('ca_generation')
      .addColumn('id', text, primaryKey)
      .addColumn('ca', text, required)
      .addColumn('number', integer, required)
      .addColumn('state', text, required)
      .addColumn('certificate', bytes, required)
      .addColumn('key_id', text, required)
      .addColumn('parent', text)
      .addColumn('not_before', integer, required)
      .addColumn('not_after', integer, required)
      .addColumn('created_at', integer, required)
      .addUniqueConstraint('ca_generation_number', ['ca', 'number']),
    createIndex('ca_generation_current')
      .on('ca_generation')
      .column('ca')
      .unique()
      .where(sql<boolean>`state = 'current'`),
    table('crl')
      .addColumn('issuer_id', text, (column) => column.notNull().references('ca_generation.id'))
      .addColumn('partition', integer, required)
      .addColumn('number', integer, required)
      .addColumn('der', bytes, required)
      .addColumn('this_update', integer, required)
      .addColumn('next_update', integer, required)
      .addColumn('revision', integer, required)
      .addPrimaryKeyConstraint('crl_key', ['issuer_id', 'partition']),
    table('crl_revision')
      .addColumn('issuer_id', text, (column) => column.notNull().references('ca_generation.id'))
      .addColumn('partition', integer, required)
      .addColumn('number', integer, required)
      .addPrimaryKeyConstraint('crl_revision_key', ['issuer_id', 'partition']),
  ];
}

function devices({ table, text, integer }: MigrationSchema): Compilable[] {
  return [
    table('device')
      .addColumn('id', text, primaryKey)
      .addColumn('division', text, required)
      .addColumn('name', text, required)
      .addColumn('group_name', text, required)
      .addColumn('state', text, required)
      .addColumn('identifiers', text, required)
      .addColumn('attributes', text, required)
      .addColumn('created_at', integer, required)
      .addColumn('updated_at', integer, required)
      .addUniqueConstraint('device_name', ['division', 'name']),
  ];
}

// Every index is paid for by every enrollment; those of one kind of row only are partial.
function certificates({ table, createIndex, text, integer, bytes }: MigrationSchema): Compilable[] {
  return [
    table('certificate')
      .addColumn('id', text, primaryKey)
      .addColumn('issuer_id', text, (column) => column.notNull().references('ca_generation.id'))
      .addColumn('serial_number', text, required)
      .addColumn('policy', text, required)
      .addColumn('profile', text, required)
      .addColumn('usage', text, required)
      .addColumn('device_id', text, (column) => column.references('device.id'))
      .addColumn('subject', text, required)
      .addColumn('key_fingerprint', text, required)
      .addColumn('certificate_fingerprint', text, required)
      .addColumn('subject_key_identifier', bytes, required)
      .addColumn('der', bytes, required)
      .addColumn('not_before', integer, required)
      .addColumn('not_after', integer, required)
      .addColumn('issued_at', integer, required)
      .addColumn('status', text, required)
      .addColumn('revoked_at', integer)
      .addColumn('revocation_reason', integer)
      .addColumn('invalidity_date', integer)
      .addColumn('crl_partition', integer, required)
      .addColumn('protocol', text, required)
      .addColumn('requester', text, required)
      .addColumn('replaces', text)
      .addColumn('request_id', text, required),
    createIndex('certificate_key_fingerprint').on('certificate').column('key_fingerprint'),
    createIndex('certificate_subject_key_identifier').on('certificate').column('subject_key_identifier'),
    createIndex('certificate_issued_at').on('certificate').columns(['issued_at', 'id']),
    createIndex('certificate_valid_policy')
      .on('certificate')
      .columns(['policy', 'not_after'])
      .where(sql<boolean>`status = 'valid'`),
    createIndex('certificate_device').on('certificate').column('device_id').where(sql<boolean>`device_id is not null`),
    createIndex('certificate_revoked')
      .on('certificate')
      .columns(['issuer_id', 'crl_partition'])
      .where(sql<boolean>`status <> 'valid'`),
  ];
}

function credentials({ table, createIndex, text, integer, bytes }: MigrationSchema): Compilable[] {
  return [
    table('credential')
      .addColumn('id', text, primaryKey)
      .addColumn('authentication_policy', text, required)
      .addColumn('kind', text, required)
      .addColumn('name', text, required)
      .addColumn('username', text)
      .addColumn('lookup', text)
      .addColumn('sealed', bytes)
      .addColumn('certificate', bytes)
      .addColumn('usage_limit', integer)
      .addColumn('uses', integer, required)
      .addColumn('not_before', integer)
      .addColumn('not_after', integer)
      .addColumn('allowed_addresses', text)
      .addColumn('registered_values', text)
      .addColumn('created_at', integer, required)
      .addColumn('revoked_at', integer)
      .addColumn('source', text, required)
      .addUniqueConstraint('credential_name', ['authentication_policy', 'name']),
    createIndex('credential_lookup').on('credential').columns(['authentication_policy', 'kind', 'lookup']),
  ];
}

function transactions({ table, createIndex, text, integer }: MigrationSchema): Compilable[] {
  return [
    table('enrollment_transaction')
      .addColumn('key', text, primaryKey)
      .addColumn('request_id', text, (column) => column.notNull().unique())
      .addColumn('policy', text, required)
      .addColumn('group_name', text)
      .addColumn('protocol', text, required)
      .addColumn('state', text, required)
      .addColumn('request', text, required)
      .addColumn('identity', text, required)
      .addColumn('trace', text, required)
      .addColumn('certificate_issuer', text)
      .addColumn('certificate_serial', text)
      .addColumn('created_at', integer, required)
      .addColumn('updated_at', integer, required)
      .addColumn('expires_at', integer, required)
      .addColumn('decided_by', text)
      .addColumn('reason', text),
    // Nearly all are issued at once and are never listed.
    createIndex('enrollment_transaction_open')
      .on('enrollment_transaction')
      .columns(['created_at', 'request_id'])
      .where(sql<boolean>`state <> 'issued'`),
    createIndex('enrollment_transaction_expires_at').on('enrollment_transaction').column('expires_at'),
    table('enrollment_approval')
      .addColumn('request_id', text, required)
      .addColumn('approver', text, required)
      .addColumn('at', integer, required)
      .addPrimaryKeyConstraint('enrollment_approval_key', ['request_id', 'approver']),
  ];
}

function auditAndLeases({ table, createIndex, text, integer, bytes }: MigrationSchema): Compilable[] {
  return [
    table('audit_event')
      .addColumn('sequence', integer, primaryKey)
      .addColumn('id', text, (column) => column.notNull().unique())
      .addColumn('at', integer, required)
      .addColumn('action', text, required)
      .addColumn('outcome', text, required)
      .addColumn('subject', text, required)
      .addColumn('content', text, required)
      .addColumn('hash', bytes, required),
    createIndex('audit_event_subject').on('audit_event').columns(['subject', 'sequence']),
    table('lease')
      .addColumn('name', text, primaryKey)
      .addColumn('holder', text, required)
      .addColumn('until', integer, required),
  ];
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();
// SQLite lets a primary key be null unless it is told not to.
const primaryKey = (column: ColumnDefinitionBuilder) => column.notNull().primaryKey();
