/** Sorted lists: what each can be sorted by, in both directions, and pages whose cursors are good for their own order only. */
import { z } from 'zod';
import { HttpError } from '../errors.js';
import { readCursor, requireOurs, writeCursor } from './page.js';

/** The `sort` in the query of a list: what it can be sorted by, each in both directions. @param remark what else is to be said of it */
export function sortBy<const Key extends string>(keys: readonly Key[], remark?: string) {
  return z
    .enum(keys.flatMap((key): (Key | `-${Key}`)[] => [key, `-${key}`]))
    .describe(remark === undefined ? meaning : `${meaning}; ${remark}`);
}

/** What a list is sorted by, and whether from last to first. */
export interface OrderOf<Sort extends string> {
  readonly by: Sort extends `-${infer Key}` ? Key : Sort;
  readonly descending: boolean;
}

/**
 * The page that a query asks for.
 * @param positionIn what places in that order are written as
 * @throws HttpError 400 for a cursor that is none of ours, or of a list that was sorted otherwise
 */
export function askedPage<Sort extends string, Position extends z.ZodType>(
  { limit, cursor, sort }: { readonly limit: number; readonly cursor?: string | undefined; readonly sort: Sort },
  positionIn: (order: OrderOf<Sort>) => Position,
): { readonly order: OrderOf<Sort>; readonly limit: number; readonly after?: z.output<Position> } {
  const descending = sort.startsWith('-');
  const order = { by: (descending ? sort.slice(1) : sort) as OrderOf<Sort>['by'], descending };
  const written = readCursor(cursor, z.strictObject({ sort: z.string(), position: z.unknown() }));
  if (written === undefined) return { order, limit };
  if (written.sort !== sort) {
    const message = `cursor is not of a list with sort=${sort}; keep the sort that the list began with, or leave the cursor out`;
    throw new HttpError(400, 'malformed-request', message);
  }
  return { order, limit, after: requireOurs(() => positionIn(order).parse(written.position)) };
}

/** The answer of a sorted list. @param next the place of its last item, where more may follow */
export function sortedPage<Item>(items: readonly Item[], sort: string, next: unknown) {
  const end = next === undefined ? {} : { next: writeCursor({ sort, position: next }) };
  return { value: { items: [...items], ...end } };
}

/** The position in a list of what has a name of its own, sorted by that name or by a time in milliseconds. */
export function namedPosition({ by }: { readonly by: string }) {
  const name = z.string().max(255);
  return z.strictObject({ value: by === 'name' ? name : z.int(), name });
}

const meaning = '`-` is for the other direction, from last to first';
