/** Transactions are also found by the conversation that they belong to, for protocols whose later messages say no more. */
import { type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const conversations: Migration = {
  name: '0002-conversations',
  statements: ({ alterTable, createIndex, text }): Compilable[] => [
    alterTable('enrollment_transaction').addColumn('conversation', text),
    createIndex('enrollment_transaction_conversation')
      .on('enrollment_transaction')
      .columns(['conversation', 'created_at'])
      .where(sql<boolean>`conversation is not null`),
  ],
};
