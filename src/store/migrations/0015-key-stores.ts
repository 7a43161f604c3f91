/** Which key store has a private key. */
import type { Compilable } from 'kysely';
import type { Migration } from '../migration.js';

export const keyStores: Migration = {
  name: '0015-key-stores',
  statements: ({ alterTable, text }): Compilable[] => [
    alterTable('key').addColumn('store', text, (column) => column.notNull().defaultTo('software')),
  ],
};
