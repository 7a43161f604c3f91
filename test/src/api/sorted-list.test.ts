import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { writeCursor } from '../../../src/api/page.js';
import { askedPage, namedPosition, sortBy, sortedPage } from '../../../src/api/sorted-list.js';

const position = () => z.strictObject({ at: z.int() });

describe('the sort of a list', () => {
  it('is by something, in both directions', () => {
    expect(sortBy(['name', 'createdAt']).options).toEqual(['name', '-name', 'createdAt', '-createdAt']);
    expect(sortBy(['at'], 'of a thing').description).toBe(
      '`-` is for the other direction, from last to first; of a thing',
    );
  });

  it.each([
    ['at', { by: 'at', descending: false }],
    ['-at', { by: 'at', descending: true }],
  ])('%s is an order', (sort, order) => {
    expect(askedPage({ limit: 7, sort }, position)).toEqual({ order, limit: 7 });
  });
});

describe('a page of a sorted list', () => {
  const { next = '' } = sortedPage([{ at: 9 }, { at: 7 }], '-at', { at: 7 }).value;

  it('is the last one where no place to go on is known', () => {
    expect(sortedPage([1, 2], 'at', undefined)).toEqual({ value: { items: [1, 2] } });
  });

  it('begins where the one before ended, in the same order', () => {
    const order = { by: 'at', descending: true };
    expect(askedPage({ limit: 7, cursor: next, sort: '-at' }, position)).toEqual({ order, limit: 7, after: { at: 7 } });
  });

  it('is refused in another order, and the order is named', () => {
    expect(() => askedPage({ limit: 7, cursor: next, sort: 'at' }, position)).toThrow(
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
    ['a position that is none', writeCursor({ sort: '-at', position: { at: 'then' } })],
    ['more than a cursor has', writeCursor({ sort: '-at', position: { at: 7 }, more: 1 })],
    ['null', writeCursor(null)],
  ])('does not begin at %s', (_what, cursor) => {
    expect(() => askedPage({ limit: 7, cursor, sort: '-at' }, position)).toThrow(
      expect.objectContaining({
        status: 400,
        message: 'cursor is not one of an earlier page; leave it out to begin again',
      }),
    );
  });

  it('begins at a name where the list is sorted by names, and else at a time', () => {
    expect(namedPosition({ by: 'name' }).safeParse({ value: 'a', name: 'a' }).success).toBe(true);
    expect(namedPosition({ by: 'name' }).safeParse({ value: 7, name: 'a' }).success).toBe(false);
    expect(namedPosition({ by: 'createdAt' }).safeParse({ value: 7, name: 'a' }).success).toBe(true);
    expect(namedPosition({ by: 'createdAt' }).safeParse({ value: 'a', name: 'a' }).success).toBe(false);
  });
});
