/** CAs that gateways run themselves: their certificates, and what they have issued, as far as it was reported. */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { CertificateRecord } from '../certificate-record.js';
import type { Migration } from '../migration.js';
import type { UnmanagedCaCertificateRecord, UnmanagedCaRecord } from '../unmanaged-ca-repository.js';

export const unmanagedCas: Migration = {
  name: '0017-unmanaged-cas',
  statements: ({ table, createIndex, text, integer, bytes, queries }): Compilable[] => [
    table('unmanaged_ca')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('division', text, required)
      .addColumn('device_id', text)
      .addColumn('subject', text, required)
      .addColumn('created_at', integer, required)
      .addColumn('crl_url', text)
      .addColumn('crl_state', text)
      .addColumn('crl_problem', text)
      .addColumn('crl_checked_at', integer)
      .addColumn('crl_due_at', integer)
      .addColumn('crl_this_update', integer)
      .addColumn('crl_next_update', integer)
      .addColumn('crl_number', text)
      .addColumn('crl_etag', text),
    createIndex('unmanaged_ca_created').on('unmanaged_ca').columns(['created_at', 'id']),
    createIndex('unmanaged_ca_crl_due')
      .on('unmanaged_ca')
      .column('crl_due_at')
      .where(sql<boolean>`crl_due_at is not null`),

    table('unmanaged_ca_certificate')
      .addColumn('certificate_id', text, (column) => column.notNull().primaryKey())
      .addColumn('unmanaged_ca_id', text, required),
    createIndex('unmanaged_ca_certificate_ca').on('unmanaged_ca_certificate').column('unmanaged_ca_id'),

    table('unmanaged_certificate')
      .addColumn('unmanaged_ca_id', text, required)
      .addColumn('serial_number', text, required)
      .addColumn('issuer_key', text, required)
      .addColumn('subject', text, required)
      .addColumn('names', text, required)
      .addColumn('not_before', integer, required)
      .addColumn('not_after', integer, required)
      .addColumn('fingerprint', text, required)
      .addColumn('der', bytes, required)
      .addColumn('status', text, required)
      .addColumn('revoked_at', integer)
      .addColumn('revocation_reason', integer)
      .addColumn('reported_at', integer, required)
      .addPrimaryKeyConstraint('unmanaged_certificate_key', ['unmanaged_ca_id', 'serial_number']),

    // What was issued before: a CA is known by its first certificate, and its renewals follow that.
    queries<Backfilled>()
      .insertInto('unmanagedCaCertificate')
      .columns(['certificateId', 'unmanagedCaId'])
      .expression(
        queries<Backfilled>()
          .withRecursive('lineage', (db) =>
            db
              .selectFrom('certificate')
              .select((row) => [row.ref('certificate.id').as('id'), row.ref('certificate.id').as('first')])
              .where('usage', '=', sql.lit('intermediate'))
              .where((row) =>
                row.not(
                  row.exists(
                    row
                      .selectFrom('certificate as earlier')
                      .select('earlier.id')
                      .whereRef('earlier.id', '=', 'certificate.replaces')
                      .where('earlier.usage', '=', sql.lit('intermediate')),
                  ),
                ),
              )
              .unionAll(
                db
                  .selectFrom('certificate')
                  .innerJoin('lineage', 'lineage.id', 'certificate.replaces')
                  .select(['certificate.id', 'lineage.first'])
                  .where('certificate.usage', '=', sql.lit('intermediate')),
              ),
          )
          .selectFrom('lineage')
          .select(['lineage.id', 'lineage.first']),
      ),
    queries<Backfilled>()
      .insertInto('unmanagedCa')
      .columns(['id', 'division', 'deviceId', 'subject', 'createdAt'])
      .expression(
        queries<Backfilled>()
          .selectFrom('certificate')
          .innerJoin('unmanagedCaCertificate', 'unmanagedCaCertificate.unmanagedCaId', 'certificate.id')
          .leftJoin('device', 'device.id', 'certificate.deviceId')
          .select((row) => [
            'certificate.id',
            row.fn.coalesce('device.division', sql.lit('')).as('division'),
            'certificate.deviceId',
            'certificate.subject',
            'certificate.issuedAt',
          ])
          .whereRef('unmanagedCaCertificate.certificateId', '=', 'certificate.id'),
      ),
  ],
};

interface Backfilled {
  certificate: Pick<CertificateRecord, 'id' | 'usage' | 'replaces' | 'deviceId' | 'subject' | 'issuedAt'>;
  device: { id: string; division: string };
  unmanagedCa: Pick<UnmanagedCaRecord, 'id' | 'division' | 'deviceId' | 'subject' | 'createdAt'>;
  unmanagedCaCertificate: UnmanagedCaCertificateRecord;
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();
