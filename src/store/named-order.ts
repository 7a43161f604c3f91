/** Orders of what has a name of its own: by that name, or by something else and then by name. */
import { type Expression, type SqlBool, sql } from 'kysely';

export interface NamedOrder<Key extends string = never> {
  readonly by: 'name' | Key;
  readonly descending: boolean;
}

/** A place in such an order: that of what was there, and may be gone. */
export interface NamedPlace {
  /** What it is sorted by: the name once more, or epoch milliseconds. */
  readonly value: string | number;
  readonly name: string;
}

export const byName = { by: 'name', descending: false } as const;

export function namedPlaceOf<Key extends string>(
  item: { readonly name: string } & { readonly [K in Exclude<Key, 'name'>]: number },
  { by }: NamedOrder<Key>,
): NamedPlace {
  return { value: by === 'name' ? item.name : item[by as Exclude<Key, 'name'>], name: item.name };
}

/** Whether a row comes after a place. @param table where the columns are, if that is not clear */
export function isBeyond(
  { by, descending }: NamedOrder<string>,
  { value, name }: NamedPlace,
  table?: string,
): Expression<SqlBool> {
  const column = (of: string) => sql.ref(table === undefined ? of : `${table}.${of}`);
  const [row, place] = [sql`(${column(by)}, ${column('name')})`, sql`(${value}, ${name})`];
  return descending ? sql<SqlBool>`${row} < ${place}` : sql<SqlBool>`${row} > ${place}`;
}
