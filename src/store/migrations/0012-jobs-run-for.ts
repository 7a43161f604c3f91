/** On whose behalf jobs run. */
import type { Compilable } from 'kysely';
import type { Migration } from '../migration.js';

export const jobsRunFor: Migration = {
  name: '0012-jobs-run-for',
  statements: ({ alterTable, text, queries }): Compilable[] => [
    alterTable('job').addColumn('runs_for', text),
    queries<{ job: { createdBy: string; runsFor: string | null } }>()
      .updateTable('job')
      .set((row) => ({ runsFor: row.ref('createdBy') })),
  ],
};
