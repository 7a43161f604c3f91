/** CMP's operations of several messages (protocols/cmp/store.ts). */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const cmpTransactions: Migration = {
  name: '0004-cmp-transactions',
  statements: ({ table, createIndex, text, integer, bytes }): Compilable[] => [
    table('cmp_transaction')
      .addColumn('key', text, (column) => column.notNull().primaryKey())
      .addColumn('state', text, required)
      .addColumn('requester', text, required)
      .addColumn('protection', text, required)
      .addColumn('answer_type', text, required)
      .addColumn('cert_req_id', integer, required)
      .addColumn('message_hash', text, required)
      .addColumn('csr_hash', text)
      .addColumn('client_nonces', text, required)
      .addColumn('server_nonce', bytes, required)
      .addColumn('certificate', bytes)
      .addColumn('is_modified', integer, required)
      .addColumn('request_id', text)
      .addColumn('message', bytes)
      .addColumn('challenge', text)
      .addColumn('created_at', integer, required)
      .addColumn('expires_at', integer, required),
    createIndex('cmp_transaction_expires_at').on('cmp_transaction').column('expires_at'),
    createIndex('cmp_transaction_csr_hash')
      .on('cmp_transaction')
      .column('csr_hash')
      .where(sql<boolean>`csr_hash is not null`),
  ],
};

const required = (column: ColumnDefinitionBuilder) => column.notNull();
