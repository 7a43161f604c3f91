/** What certificates are searched by, and who has approved requests, with what to say. */
import { type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const inventory: Migration = {
  name: '0011-inventory',
  statements: ({ alterTable, createIndex, text, queries }): Compilable[] => [
    // Null until they have been read from the certificate: what was issued before is caught up with while the gateway runs.
    alterTable('certificate').addColumn('names', text),
    createIndex('certificate_unnamed').on('certificate').column('id').where(sql<boolean>`names is null`),
    createIndex('certificate_fingerprint').on('certificate').column('certificate_fingerprint'),
    // Those of one profile end in the order in which they are issued, so that its end is where nearly all entries go.
    createIndex('certificate_not_after').on('certificate').columns(['not_after', 'id']),
    alterTable('enrollment_approval').addColumn('name', text),
    alterTable('enrollment_approval').addColumn('comment', text),
    // Until now only the command line approved; its persons are told apart from those of the management API.
    queries<{ enrollmentApproval: { approver: string; name: string | null } }>()
      .updateTable('enrollmentApproval')
      .set((row) => ({ name: row.ref('approver'), approver: sql<string>`'command line:' || ${row.ref('approver')}` })),
  ],
};
