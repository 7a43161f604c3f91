/** Members of JSON objects that columns of text have. */
import { type RawBuilder, sql } from 'kysely';
import type { Dialect } from './dialect.js';

/** The member of this name as text, in the words that indexes of it have; null where there is none. */
export function jsonMember(dialect: Dialect['name'], column: string, name: string): RawBuilder<string | null> {
  const document = dialect === 'sqlite' ? sql.ref(column) : sql`${sql.ref(column)}::json`;
  return sql`(${document} ->> ${sql.lit(name)})`;
}
