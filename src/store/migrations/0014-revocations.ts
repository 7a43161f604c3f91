/** What CRLs are made from, in a narrow table of its own; deltas, and parts of CRLs that are bounded by what was issued. */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { Migration, MigrationSchema } from '../migration.js';

export const revocations: Migration = {
  name: '0014-revocations',
  statements: (schema) => [...revocation(schema), ...crl(schema), ...partition(schema)],
};

function revocation({ table, alterTable, createIndex, text, integer, queries }: MigrationSchema): Compilable[] {
  const tables = queries<Tables>();
  return [
    alterTable('crl_revision').addColumn('changed_at', integer),
    alterTable('crl_revision').addColumn('last_number', integer, (column) => column.notNull().defaultTo(0)),
    createIndex('crl_revision_changed')
      .on('crl_revision')
      .column('changed_at')
      .where(sql<boolean>`changed_at is not null`),
    table('revocation')
      .addColumn('issuer_id', text, required)
      .addColumn('partition', integer, required)
      .addColumn('serial_number', text, required)
      .addColumn('revoked_at', integer, required)
      .addColumn('reason', integer, required)
      .addColumn('invalidity_date', integer)
      .addColumn('not_after', integer, required)
      .addColumn('change', integer, required)
      .addColumn('removed', integer, required)
      .addPrimaryKeyConstraint('revocation_key', ['issuer_id', 'serial_number']),
    createIndex('revocation_change').on('revocation').columns(['issuer_id', 'partition', 'change']),
    // Each gets a number of its own, so that they can be read in parts; above what any CRL was made from.
    tables
      .insertInto('revocation')
      .columns(revocationColumns)
      .expression(
        sql`select certificate.issuer_id, certificate.crl_partition, certificate.serial_number,
          coalesce(certificate.revoked_at, certificate.issued_at), coalesce(certificate.revocation_reason, 0),
          certificate.invalidity_date, certificate.not_after,
          coalesce(crl_revision.number, 0) + row_number() over (
            partition by certificate.issuer_id, certificate.crl_partition
            order by certificate.revoked_at, certificate.id
          ), 0
          from certificate
          left join crl_revision on crl_revision.issuer_id = certificate.issuer_id
            and crl_revision.partition = certificate.crl_partition
          where certificate.status <> 'valid'`,
      ),
    // The revisions that are missing, of CRLs that nothing was ever revoked on.
    tables
      .insertInto('crlRevision')
      .columns(['issuerId', 'partition', 'number', 'lastNumber'])
      .expression(
        sql`select issuer_id, partition, 0, 0 from (
            select issuer_id, partition from crl union select issuer_id, partition from revocation
          ) as place
          where not exists (
            select 1 from crl_revision as known
            where known.issuer_id = place.issuer_id and known.partition = place.partition
          )`,
      ),
    tables.updateTable('crlRevision').set({
      number: sql<number>`number + (
        select count(*) from revocation
        where revocation.issuer_id = crl_revision.issuer_id and revocation.partition = crl_revision.partition
      )`,
      lastNumber: sql<number>`coalesce((
        select crl.number from crl
        where crl.issuer_id = crl_revision.issuer_id and crl.partition = crl_revision.partition
      ), 0)`,
    }),
  ];
}

function crl({ table, alterTable, text, integer, bytes, queries }: MigrationSchema): Compilable[] {
  const columns = [
    ['base_number', integer],
    ['base_at', integer],
    ['base_revision', integer],
    ['base_scope', text],
    ['scope', text],
  ] as const;
  return [
    alterTable('crl').addColumn('etag', text, (column) => column.notNull().defaultTo('')),
    // Any text will do that no other CRL of its place has.
    queries<Tables>().updateTable('crl').set({ etag: sql<string>`'"' || number || '-' || this_update || '"'` }),
    alterTable('crl').addColumn('entries', integer, (column) => column.notNull().defaultTo(0)),
    // Null until there is a base: what was published before is followed by one at once.
    ...columns.map(([name, type]) => alterTable('crl').addColumn(name, type)),
    table('crl_delta')
      .addColumn('issuer_id', text, required)
      .addColumn('partition', integer, required)
      .addColumn('number', integer, required)
      .addColumn('base_number', integer, required)
      .addColumn('der', bytes, required)
      .addColumn('this_update', integer, required)
      .addColumn('next_update', integer, required)
      .addColumn('revision', integer, required)
      .addColumn('etag', text, required)
      .addColumn('entries', integer, required)
      .addPrimaryKeyConstraint('crl_delta_key', ['issuer_id', 'partition']),
  ];
}

function partition({ table, alterTable, text, integer, queries, withoutMember }: MigrationSchema): Compilable[] {
  return [
    // How many there are follows from what is issued: the setting is gone.
    queries<Tables>()
      .updateTable('catalogItem')
      .set({ document: withoutMember('document', ['crl', 'partitions']) })
      .where('kind', '=', 'certificate-authority'),
    // JSON array; null until the gateway has written down what it has put into certificates so far.
    alterTable('ca_generation').addColumn('base_urls', text),
    table('crl_partition')
      .addColumn('issuer_id', text, required)
      .addColumn('partition', integer, required)
      .addColumn('opened_at', integer, required)
      .addColumn('issued', integer, required)
      .addPrimaryKeyConstraint('crl_partition_key', ['issuer_id', 'partition']),
    queries<Tables>()
      .insertInto('crlPartition')
      .columns(['issuerId', 'partition', 'openedAt', 'issued'])
      .expression(
        sql`select issuer_id, crl_partition, min(issued_at), count(*) from certificate group by issuer_id, crl_partition`,
      ),
  ];
}

interface Tables {
  catalogItem: { kind: string; document: string };
  crl: { etag: string };
  revocation: Record<(typeof revocationColumns)[number], unknown>;
  crlRevision: { issuerId: string; partition: number; number: number; lastNumber: number };
  crlPartition: { issuerId: string; partition: number; openedAt: number; issued: number };
}

const revocationColumns = [
  'issuerId',
  'partition',
  'serialNumber',
  'revokedAt',
  'reason',
  'invalidityDate',
  'notAfter',
  'change',
  'removed',
] as const;

const required = (column: ColumnDefinitionBuilder) => column.notNull();
