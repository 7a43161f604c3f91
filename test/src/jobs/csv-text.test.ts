import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { csvLine, readCell } from '../../../src/jobs/csv-text.js';

/** What a line of one cell has in it, without quotes. */
function written(cell: string): string {
  const line = csvLine([cell]).slice(0, -2);
  return line.startsWith('"') ? line.slice(1, -1).replaceAll('""', '"') : line;
}

describe('a cell of a CSV file', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+49 731 1', "'+49 731 1"],
    ['-5', "'-5"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', "'\r=1"],
    ['  =1', "'  =1"],
    ['\uff1d1', "'\uff1d1"],
    ["'=1", "''=1"],
    ["''-", "'''-"],
  ])('that a spreadsheet takes for a formula gets an apostrophe: %j', (cell, text) => {
    expect(written(cell)).toBe(text);
    expect(readCell(text)).toBe(cell);
  });

  it.each(['', 'pump-1', "'", "'quoted'", "it's", '1-2', 'a=b', 'CN=pump', ' a', '00:11:22'])(
    'that is none stays as it is: %j',
    (cell) => {
      expect(written(cell)).toBe(cell);
      expect(readCell(cell)).toBe(cell);
    },
  );

  it('comes back as it was, whatever is in it, and begins no formula', () => {
    const piece = fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '\n', ' ', '"', ',', 'a', '\uff1d', '\ufeff');
    const cell = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 6 }).map((some) => some.join('')),
    );
    fc.assert(
      fc.property(cell, (text) => {
        expect(written(text)).not.toMatch(/^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/);
        expect(readCell(written(text))).toBe(text);
      }),
    );
  });

  it('is in quotes where it has to be, with its apostrophe (RFC 4180)', () => {
    expect(csvLine(['=HYPERLINK("http://a","b")', 'a,b', 'c'])).toBe(`"'=HYPERLINK(""http://a"",""b"")","a,b",c\r\n`);
  });
});
