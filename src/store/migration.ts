/** What a migration is: SQL for either database, forward only. */
import type { Compilable, CreateTableBuilder, QueryCreator, RawBuilder, SchemaModule } from 'kysely';
import type { Dialect } from './dialect.js';
import { jsonMember, withoutJsonMember } from './json-member.js';

export interface Migration {
  /** As its file is named, without the extension. */
  readonly name: string;
  statements(schema: MigrationSchema): readonly Compilable[];
}

/** Column types as in {@link Dialect}; every table is created through `table`. */
export interface MigrationSchema {
  table(name: string): CreateTableBuilder<string>;
  readonly alterTable: SchemaModule['alterTable'];
  readonly createIndex: SchemaModule['createIndex'];
  readonly text: Dialect['text'];
  readonly integer: Dialect['integer'];
  readonly bytes: Dialect['bytes'];
  /** The members of a column with a JSON object, as rows of `key` and `value`, both text. */
  eachMember(column: string): RawBuilder<unknown>;
  /** One of them, as text. */
  member(column: string, name: string): RawBuilder<string | null>;
  /** The object without the member at the end of a path, as text. */
  withoutMember(column: string, path: readonly string[]): RawBuilder<string>;
  queries<Tables>(): QueryCreator<Tables>;
}

export function createMigrationSchema(dialect: Dialect): MigrationSchema {
  const { schema, text, integer, bytes, tableOptions, queries, eachMember } = dialect;
  return {
    table: (name) => schema.createTable(name).modifyEnd(tableOptions),
    alterTable: (name) => schema.alterTable(name),
    createIndex: (name) => schema.createIndex(name),
    text,
    integer,
    bytes,
    eachMember,
    member: (column, name) => jsonMember(dialect.name, column, name),
    withoutMember: (column, path) => withoutJsonMember(dialect.name, column, path),
    queries,
  };
}
