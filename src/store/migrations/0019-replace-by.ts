/** Activations that have what was issued before replaced. */
import type { Migration } from '../migration.js';

export const replaceBy: Migration = {
  name: '0019-replace-by',
  statements: ({ alterTable, integer }) => [alterTable('ca_generation').addColumn('replace_by', integer)],
};
