/** Lists by cursor pages: each page tells where the next one begins, whatever is added or removed meanwhile. */
import { z } from 'zod';
import { HttpError } from '../errors.js';

/** Spread into the query of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('how many at most'),
  cursor: z.string().max(2000).optional().describe('`next` of the page before; the other parameters stay as they were'),
};

/** Of a `sort`. */
export const sortMeaning = '`-` is for the other direction, from last to first';

/** The values of a `sort`: what a list can be sorted by, each in both directions. */
export function inBothDirections<const Key extends string>(...keys: readonly Key[]): readonly (Key | `-${Key}`)[] {
  return keys.flatMap((key): (Key | `-${Key}`)[] => [key, `-${key}`]);
}

/** What a list is sorted by, and whether from last to first. */
export function orderOf<Sort extends string>(sort: Sort): { readonly by: KeyOf<Sort>; readonly descending: boolean } {
  const descending = sort.startsWith('-');
  return { by: (descending ? sort.slice(1) : sort) as KeyOf<Sort>, descending };
}

type KeyOf<Sort extends string> = Sort extends `-${infer Key}` ? Key : Sort;

/** The answer of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    next: z
      .string()
      .optional()
      .describe('`cursor` of the next page; absent on the last one. A page may have fewer items than its limit'),
  });
}

/** The page of what was found by asking for one more than its limit. `last`: its last item, where more follow. */
export function cutPage<Found>(
  found: readonly Found[],
  limit: number,
): { readonly items: readonly Found[]; readonly last: Found | undefined } {
  const items = found.slice(0, limit);
  return { items, last: found.length > limit ? items.at(-1) : undefined };
}

export function writeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws HttpError 400 for what is none of ours */
export function readCursor<Position extends z.ZodType>(
  cursor: string | undefined,
  position: Position,
): z.output<Position> | undefined {
  if (cursor === undefined) return undefined;
  return requireOurs(() => position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString())));
}

/** A cursor that is good for its own order only. */
export function writeSortedCursor(sort: string, position: unknown): string {
  return writeCursor({ sort, position });
}

/** @throws HttpError 400 for what is none of ours, or of a list that was sorted otherwise */
export function readSortedCursor<Position extends z.ZodType>(
  cursor: string | undefined,
  sort: string,
  position: Position,
): z.output<Position> | undefined {
  const written = readCursor(cursor, z.strictObject({ sort: z.string(), position: z.unknown() }));
  if (written === undefined) return undefined;
  if (written.sort !== sort) {
    const message = `cursor is not of a list with sort=${sort}; keep the sort that the list began with, or leave the cursor out`;
    throw new HttpError(400, 'malformed-request', message);
  }
  return requireOurs(() => position.parse(written.position));
}

/** The position in a list of what has a name of its own, sorted by that name or by a time in milliseconds. */
export function namedPosition(by: string) {
  const name = z.string().max(255);
  return z.strictObject({ value: by === 'name' ? name : z.int(), name });
}

function requireOurs<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new HttpError(400, 'malformed-request', 'cursor is not one of an earlier page; leave it out to begin again');
  }
}
