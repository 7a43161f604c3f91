/** Until when certificates are to be replaced although they would be good for longer (RFC 9773). */
import type { Compilable } from 'kysely';
import type { Migration } from '../migration.js';

export const plannedReplacements: Migration = {
  name: '0007-planned-replacements',
  statements: ({ alterTable, integer, text }): Compilable[] => [
    alterTable('certificate').addColumn('replace_by', integer),
    alterTable('certificate').addColumn('replacement_planned_at', integer),
    alterTable('certificate').addColumn('explanation_url', text),
  ],
};
