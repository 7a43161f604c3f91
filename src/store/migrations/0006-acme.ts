/** ACME's accounts, authorizations, orders and used nonces (protocols/acme/store). */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const acme: Migration = {
  name: '0006-acme',
  statements: ({ table, createIndex, text, integer, bytes }): Compilable[] => [
    table('acme_account')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('policy', text, required)
      .addColumn('key_thumbprint', text, required)
      .addColumn('jwk', text, required)
      .addColumn('status', text, required)
      .addColumn('contacts', text, required)
      .addColumn('agreed_terms', text)
      .addColumn('external_account', text)
      .addColumn('external_account_binding', text)
      .addColumn('network', text, required)
      .addColumn('created_at', integer, required),
    createIndex('acme_account_key').unique().on('acme_account').columns(['key_thumbprint', 'policy']),
    createIndex('acme_account_network').on('acme_account').columns(['network', 'created_at']),

    table('acme_authorization')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('account_id', text, required)
      .addColumn('policy', text, required)
      .addColumn('identifier_type', text, required)
      .addColumn('identifier_value', text, required)
      .addColumn('is_wildcard', integer, required)
      .addColumn('status', text, required)
      .addColumn('challenges', text, required)
      .addColumn('revision', integer, required)
      .addColumn('attested_key', text)
      .addColumn('attested_by', text)
      .addColumn('validate_at', integer)
      .addColumn('created_at', integer, required)
      .addColumn('expires_at', integer, required),
    createIndex('acme_authorization_identifier')
      .on('acme_authorization')
      .columns(['identifier_value', 'identifier_type', 'policy', 'created_at']),
    createIndex('acme_authorization_account')
      .on('acme_authorization')
      .columns(['account_id', 'identifier_value'])
      .where(sql<boolean>`status = 'valid'`),
    createIndex('acme_authorization_pending')
      .on('acme_authorization')
      .column('account_id')
      .where(sql<boolean>`status = 'pending'`),
    createIndex('acme_authorization_validate_at')
      .on('acme_authorization')
      .column('validate_at')
      .where(sql<boolean>`validate_at is not null`),
    createIndex('acme_authorization_expires_at').on('acme_authorization').column('expires_at'),

    table('acme_order')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('account_id', text, required)
      .addColumn('label', text, required)
      .addColumn('status', text, required)
      .addColumn('identifiers', text, required)
      .addColumn('not_before', integer)
      .addColumn('not_after', integer)
      .addColumn('profile', text)
      .addColumn('replaces', text)
      .addColumn('error', text)
      .addColumn('certificate', bytes)
      .addColumn('request_id', text)
      .addColumn('created_at', integer, required)
      .addColumn('expires_at', integer, required),
    // Ids grow with time: pages of orders follow them.
    createIndex('acme_order_account').on('acme_order').columns(['account_id', 'id']),
    createIndex('acme_order_expires_at').on('acme_order').column('expires_at'),
    createIndex('acme_order_replaces')
      .unique()
      .on('acme_order')
      .column('replaces')
      .where(sql<boolean>`replaces is not null and status <> 'invalid'`),

    table('acme_order_authorization')
      .addColumn('order_id', text, required)
      .addColumn('position', integer, required)
      .addColumn('authorization_id', text, required)
      .addPrimaryKeyConstraint('acme_order_authorization_key', ['order_id', 'position']),
    createIndex('acme_order_authorization_authorization').on('acme_order_authorization').column('authorization_id'),

    table('acme_used_nonce')
      .addColumn('nonce', bytes, (column) => column.notNull().primaryKey())
      .addColumn('expires_at', integer, required),
    createIndex('acme_used_nonce_expires_at').on('acme_used_nonce').column('expires_at'),
  ],
};

const required = (column: ColumnDefinitionBuilder) => column.notNull();
