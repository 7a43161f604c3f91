/** What becomes of CAs: generations that are revoked, dropped or to be activated, and certificates that others are to issue. */
import type { Compilable } from 'kysely';
import type { Migration, MigrationSchema } from '../migration.js';

export const caLife: Migration = {
  name: '0016-ca-life',
  statements: (schema) => [...ends(schema), ...requests(schema)],
};

function ends({ alterTable, integer, queries }: MigrationSchema): Compilable[] {
  return [
    alterTable('ca_generation').addColumn('activate_at', integer),
    alterTable('ca_generation').addColumn('revoked_at', integer),
    alterTable('ca_generation').addColumn('dropped_at', integer),
    // A certificate of a CA could be revoked before, like any other; that CA went on.
    queries<Tables>()
      .updateTable('caGeneration')
      .set((row) => ({
        revokedAt: row
          .selectFrom('certificate')
          .select((certificate) => certificate.fn.max('certificate.revokedAt').as('revokedAt'))
          .whereRef('certificate.issuerId', '=', 'caGeneration.parent')
          .whereRef('certificate.der', '=', 'caGeneration.certificate')
          .where('certificate.status', '=', 'revoked'),
      }))
      .where('parent', 'is not', null),
  ];
}

function requests({ table, text, integer, bytes }: MigrationSchema): Compilable[] {
  return [
    table('ca_request')
      .addColumn('ca', text, (column) => column.notNull().primaryKey())
      .addColumn('number', integer, (column) => column.notNull())
      .addColumn('key_id', text, (column) => column.notNull().references('key.id'))
      .addColumn('public_key', bytes, (column) => column.notNull())
      .addColumn('request', bytes, (column) => column.notNull())
      .addColumn('created_at', integer, (column) => column.notNull()),
  ];
}

interface Tables {
  caGeneration: { parent: string | null; certificate: Uint8Array; revokedAt: number | null };
  certificate: { issuerId: string; der: Uint8Array; status: string; revokedAt: number | null };
}
