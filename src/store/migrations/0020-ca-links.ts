/** Certificates that foreign CAs have issued for CAs here. */
import type { ColumnDefinitionBuilder, Compilable } from 'kysely';
import type { Migration } from '../migration.js';

export const caLinks: Migration = {
  name: '0020-ca-links',
  statements: ({ table, createIndex, text, integer }): Compilable[] => [
    table('ca_link')
      .addColumn('fingerprint', text, (column) => column.notNull().primaryKey())
      .addColumn('generation', text, required)
      .addColumn('chain', text, required)
      .addColumn('not_after', integer, required)
      .addColumn('created_at', integer, required),
    createIndex('ca_link_generation').on('ca_link').column('generation'),
  ],
};

const required = (column: ColumnDefinitionBuilder) => column.notNull();
