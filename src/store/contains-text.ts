/** Searches for a part of a text. */
import { type Expression, type SqlBool, sql } from 'kysely';

/** Whether a column has the text in it, in upper or lower case; no character of it stands for others. */
export function containsText(column: Expression<string | null>, text: string): Expression<SqlBool> {
  const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`lower(${column}) like ${pattern} escape '\\'`;
}
