/** Lists by cursor pages: each page tells where the next one begins, whatever is added or removed meanwhile. */
import { z } from 'zod';
import { HttpError } from '../errors.js';

/** Spread into the query of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('how many at most'),
  cursor: z.string().max(2000).optional().describe('`next` of the page before; the other parameters stay as they were'),
};

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

/** What is read of a cursor. @throws HttpError 400 for what is none of ours */
export function requireOurs<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new HttpError(400, 'malformed-request', 'cursor is not one of an earlier page; leave it out to begin again');
  }
}
