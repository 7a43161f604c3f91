import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  inBothDirections,
  namedPosition,
  orderOf,
  readSortedCursor,
  writeCursor,
  writeSortedCursor,
} from '../../../src/api/page.js';

const position = z.strictObject({ at: z.int() });

describe('sorts of lists', () => {
  it('are each by something, in both directions', () => {
    expect(inBothDirections('name', 'createdAt')).toEqual(['name', '-name', 'createdAt', '-createdAt']);
    expect(orderOf('createdAt')).toEqual({ by: 'createdAt', descending: false });
    expect(orderOf('-createdAt')).toEqual({ by: 'createdAt', descending: true });
  });
});

describe('a cursor of a sorted list', () => {
  const cursor = writeSortedCursor('-at', { at: 7 });

  it('goes on in the order that it is of', () => {
    expect(readSortedCursor(cursor, '-at', position)).toEqual({ at: 7 });
    expect(readSortedCursor(undefined, '-at', position)).toBeUndefined();
  });

  it('is refused in another order, and the order is named', () => {
    expect(() => readSortedCursor(cursor, 'at', position)).toThrow(
      expect.objectContaining({
        status: 400,
        code: 'malformed-request',
        message:
          'cursor is not of a list with sort=at; keep the sort that the list began with, or leave the cursor out',
      }),
    );
  });

  it.each([
    ['what is no cursor', 'x'],
    ['a cursor without sort', writeCursor({ position: { at: 7 } })],
    ['a position that is none', writeSortedCursor('-at', { at: 'then' })],
    ['more than a cursor has', writeCursor({ sort: '-at', position: { at: 7 }, more: 1 })],
    ['null', writeCursor(null)],
  ])('is not %s', (_what, wrong) => {
    expect(() => readSortedCursor(wrong, '-at', position)).toThrow(
      expect.objectContaining({
        status: 400,
        message: 'cursor is not one of an earlier page; leave it out to begin again',
      }),
    );
  });

  it('has a name where the list is sorted by names, and else a time', () => {
    expect(namedPosition('name').safeParse({ value: 'a', name: 'a' }).success).toBe(true);
    expect(namedPosition('name').safeParse({ value: 7, name: 'a' }).success).toBe(false);
    expect(namedPosition('createdAt').safeParse({ value: 7, name: 'a' }).success).toBe(true);
    expect(namedPosition('createdAt').safeParse({ value: 'a', name: 'a' }).success).toBe(false);
  });
});
