/** Members of JSON objects that columns of text have. */
import { type RawBuilder, sql } from 'kysely';
import type { Dialect } from './dialect.js';

/** The member of this name as text, in the words that indexes of it have; null where there is none. */
export function jsonMember(dialect: Dialect['name'], column: string, name: string): RawBuilder<string | null> {
  const document = dialect === 'sqlite' ? sql.ref(column) : sql`${sql.ref(column)}::json`;
  return sql`(${document} ->> ${sql.lit(name)})`;
}

/** The whole without the member at the end of this path, as text. */
export function withoutJsonMember(
  dialect: Dialect['name'],
  column: string,
  path: readonly string[],
): RawBuilder<string> {
  return dialect === 'sqlite'
    ? sql`json_remove(${sql.ref(column)}, ${sql.lit(`$.${path.join('.')}`)})`
    : sql`(${sql.ref(column)}::jsonb #- ${sql.lit(`{${path.join(',')}}`)})::text`;
}
