/** Devices by group, time and identifier, and audit events by the device that they are about. */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { Migration, MigrationSchema } from '../migration.js';

export const devices: Migration = {
  name: '0010-devices',
  statements: (schema) => [...lists(schema), ...identifiers(schema), ...history(schema)],
};

function lists({ createIndex }: MigrationSchema): Compilable[] {
  return [
    // By id, in the order of registration, so that new entries go to the group's end: by name each would touch a page of its own.
    createIndex('device_group').on('device').columns(['group_name', 'id']),
    createIndex('device_created_at').on('device').columns(['division', 'created_at', 'id']),
    createIndex('device_updated_at').on('device').columns(['division', 'updated_at', 'id']),
  ];
}

function identifiers({ table, createIndex, text, queries, eachMember }: MigrationSchema): Compilable[] {
  return [
    table('device_identifier')
      .addColumn('device_id', text, (column) => column.notNull().references('device.id'))
      .addColumn('name', text, required)
      .addColumn('value', text, required)
      .addPrimaryKeyConstraint('device_identifier_key', ['device_id', 'name']),
    createIndex('device_identifier_value').on('device_identifier').columns(['name', 'value', 'device_id']),
    queries<{ deviceIdentifier: { deviceId: string; name: string; value: string } }>()
      .insertInto('deviceIdentifier')
      .columns(['deviceId', 'name', 'value'])
      .expression(
        sql`select device.id, member.key, member.value from device cross join ${eachMember('device.identifiers')} as member`,
      ),
  ];
}

/** Most events of certificates and devices from before say whose they are by what they are about. */
function history({ alterTable, createIndex, text, queries }: MigrationSchema): Compilable[] {
  const events = queries<Tables>();
  return [
    alterTable('audit_event').addColumn('device', text),
    events
      .updateTable('auditEvent')
      .set((row) => ({ device: row.ref('subject') }))
      .where('action', 'like', 'device.%'),
    events
      .updateTable('auditEvent')
      .set((row) => ({
        device: row
          .selectFrom('certificate')
          .select('certificate.deviceId')
          .whereRef('certificate.id', '=', 'auditEvent.subject'),
      }))
      .where('action', 'like', 'certificate.%'),
    createIndex('audit_event_device')
      .on('audit_event')
      .columns(['device', 'sequence'])
      .where(sql<boolean>`device is not null`),
  ];
}

interface Tables {
  auditEvent: { subject: string; action: string; device: string | null };
  certificate: { id: string; deviceId: string | null };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();
