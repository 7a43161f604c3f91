/** Users and API keys of the management API; and the audit log by time, which it lists. */
import type { ColumnDefinitionBuilder, Compilable } from 'kysely';
import type { Migration } from '../migration.js';

export const access: Migration = {
  name: '0008-access',
  statements: ({ table, createIndex, text, integer, bytes }): Compilable[] => [
    table('user')
      .addColumn('id', text, primaryKey)
      .addColumn('name', text, (column) => column.notNull().unique())
      .addColumn('display_name', text)
      .addColumn('grants', text, required)
      .addColumn('is_administrator', integer, required)
      .addColumn('password', text)
      .addColumn('enabled', integer, required)
      .addColumn('created_at', integer, required)
      .addColumn('updated_at', integer, required)
      .addColumn('last_seen_at', integer),
    table('user_certificate')
      .addColumn('fingerprint', text, primaryKey)
      .addColumn('user_id', text, (column) => column.notNull().references('user.id'))
      .addColumn('der', bytes, required)
      .addColumn('subject', text, required)
      .addColumn('not_before', integer, required)
      .addColumn('not_after', integer, required)
      .addColumn('added_at', integer, required),
    createIndex('user_certificate_user').on('user_certificate').column('user_id'),
    table('api_key')
      .addColumn('id', text, primaryKey)
      .addColumn('name', text, (column) => column.notNull().unique())
      .addColumn('prefix', text, required)
      .addColumn('lookup', text, (column) => column.notNull().unique())
      .addColumn('grants', text, required)
      .addColumn('is_administrator', integer, required)
      // Stays when the user is deleted: whose it was is worth knowing.
      .addColumn('owner', text)
      .addColumn('created_by', text, required)
      .addColumn('created_at', integer, required)
      .addColumn('expires_at', integer)
      .addColumn('last_used_at', integer)
      .addColumn('revoked_at', integer),
    createIndex('api_key_owner').on('api_key').column('owner'),
    createIndex('audit_event_at').on('audit_event').columns(['at', 'sequence']),
  ],
};

const required = (column: ColumnDefinitionBuilder) => column.notNull();
// SQLite lets a primary key be null unless it is told not to.
const primaryKey = (column: ColumnDefinitionBuilder) => column.notNull().primaryKey();
