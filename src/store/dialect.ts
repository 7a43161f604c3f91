/** What differs between the databases when SQL is compiled. Nothing here opens a connection. */
import {
  DummyDriver,
  Kysely,
  type KyselyConfig,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCreator,
  type RawBuilder,
  type SchemaModule,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import { createSnakeCasePlugin } from './snake-case.js';

export interface Dialect {
  readonly name: 'sqlite' | 'postgresql';
  /** Builds queries over the tables that the caller declares. */
  queries<Tables>(): QueryCreator<Tables>;
  readonly schema: SchemaModule;
  /** Column types: `integer` holds whole numbers up to 2^53 (also 0/1 and epoch milliseconds), `text` sorts by code point. */
  readonly text: RawBuilder<unknown>;
  readonly integer: RawBuilder<unknown>;
  readonly bytes: RawBuilder<unknown>;
  /** A table function: the members of a JSON object in a column of text, as rows of `key` and `value`. */
  eachMember(column: string): RawBuilder<unknown>;
  /** Stands at the end of every `create table`. */
  readonly tableOptions: RawBuilder<unknown>;
}

export function createSqliteDialect(): Dialect {
  const config: KyselyConfig = {
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
    plugins: [createSnakeCasePlugin()],
  };
  return {
    name: 'sqlite',
    queries: <Tables>() => new Kysely<Tables>(config),
    schema: new Kysely(config).schema,
    text: sql`text`,
    integer: sql`integer`,
    bytes: sql`blob`,
    eachMember: (column) => sql`json_each(${sql.ref(column)})`,
    tableOptions: sql`strict`,
  };
}

export function createPostgresqlDialect(): Dialect {
  const config: KyselyConfig = {
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    plugins: [createSnakeCasePlugin()],
  };
  return {
    name: 'postgresql',
    queries: <Tables>() => new Kysely<Tables>(config),
    schema: new Kysely(config).schema,
    text: sql`text collate "C"`,
    integer: sql`bigint`,
    bytes: sql`bytea`,
    eachMember: (column) => sql`json_each_text(${sql.ref(column)}::json)`,
    tableOptions: sql``,
  };
}
