/** Applies migrations to an SQLite file. */
import { GatewayError } from '../errors.js';
import { createSqliteDialect } from './dialect.js';
import type { MetaRow } from './meta-repository.js';
import { metaTable, migrations, pendingMigrations, schemaVersionName } from './migrate.js';
import { createMigrationSchema } from './migration.js';
import type { SqliteConnection } from './sqlite-connection.js';

/**
 * Brings the database to this program's schema, in one transaction.
 * @throws GatewayError 'internal' if a newer program has written it; SqliteError
 */
export function migrateSqlite(connection: SqliteConnection): void {
  const dialect = createSqliteDialect();
  const schema = createMigrationSchema(dialect);
  const apply = connection.transaction(() => {
    connection.exec(metaTable(dialect).compile().sql);
    const pending = pendingMigrations(readSchemaVersion(connection));
    if (pending.length === 0) {
      return;
    }
    for (const migration of pending) {
      for (const statement of migration.statements(schema)) {
        const { sql, parameters } = statement.compile();
        connection.prepare(sql).run(...parameters);
      }
    }
    connection
      .prepare('insert into meta(name, value) values (?, ?) on conflict(name) do update set value = excluded.value')
      .run(schemaVersionName, String(migrations.length));
  });
  // Immediate, so that two programs that start together do not both find an empty database.
  apply.immediate();
}

/**
 * For a connection that may not migrate.
 * @throws GatewayError 'internal' if the schema is not this program's; SqliteError
 */
export function checkSqliteSchema(connection: SqliteConnection): void {
  if (pendingMigrations(readSchemaVersion(connection)).length > 0) {
    throw new GatewayError(
      'internal',
      'the database has an older schema: start the gateway once to bring it up to date',
    );
  }
}

function readSchemaVersion(connection: SqliteConnection): string | undefined {
  const row = connection
    .prepare<[string], Pick<MetaRow, 'value'>>('select value from meta where name = ?')
    .get(schemaVersionName);
  return row?.value;
}
