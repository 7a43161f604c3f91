/** What a compromised device has, found by the device, acts on those that are not through; and what was replaced when. */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { Migration, MigrationSchema } from '../migration.js';

export const compromise: Migration = {
  name: '0018-compromise',
  statements: (schema) => [...compromises(schema), ...replaced(schema)],
};

function compromises({ table, createIndex, member, text, integer }: MigrationSchema): Compilable[] {
  return [
    // Empty but for seconds.
    table('device_compromise')
      .addColumn('device_id', text, (column) => column.notNull().primaryKey())
      .addColumn('since', integer)
      .addColumn('actor', text, required)
      .addColumn('step', integer, required)
      .addColumn('touched_at', integer, required),
    createIndex('credential_device')
      .on('credential')
      .expression(member('registered_values', 'device'))
      .where(sql<boolean>`registered_values is not null`),
    createIndex('acme_account_external_account')
      .on('acme_account')
      .column('external_account')
      .where(sql<boolean>`external_account is not null`),
    createIndex('job_row_sealed_fingerprint')
      .on('job_row')
      .expression(member('result', 'fingerprint'))
      .where(sql<boolean>`sealed_key is not null`),
  ];
}

/** What was renewed before has the time of the first renewal that needs no confirmation any more. */
function replaced({ alterTable, createIndex, integer, queries }: MigrationSchema): Compilable[] {
  return [
    alterTable('certificate').addColumn('replaced_at', integer),
    queries<Tables>()
      .updateTable('certificate')
      .from((db) =>
        db
          .selectFrom('certificate')
          .select((row) => ['replaces', 'usage', row.fn.min('issuedAt').as('at')])
          .where('replaces', 'is not', null)
          .where('confirmBy', 'is', null)
          .groupBy(['replaces', 'usage'])
          .as('renewal'),
      )
      .set((row) => ({ replacedAt: row.ref('renewal.at') }))
      .whereRef('certificate.id', '=', 'renewal.replaces')
      .whereRef('certificate.usage', '=', 'renewal.usage')
      .where('certificate.usage', 'in', ['bootstrap', 'operational']),
    createIndex('certificate_replaced')
      .on('certificate')
      .columns(['policy', 'replaced_at'])
      .where(sql<boolean>`replaced_at is not null and status = 'valid'`),
  ];
}

interface Tables {
  certificate: {
    id: string;
    usage: string;
    replaces: string | null;
    issuedAt: number;
    confirmBy: number | null;
    replacedAt: number | null;
  };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();
