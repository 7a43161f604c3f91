/** What commands print: tables for people, and for programs JSON, one object per line. */
import { Option } from 'commander';
import { fitForLog } from '../fit-for-log.js';

/** The option that every command that shows something has. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON, one object per line');
}

/** Columns below headings. Cells may hold what devices have written. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return columns([headings, ...rows.map((row) => row.map((cell) => fitForLog(cell) || '-'))]);
}

/** Lines with each column as wide as its widest cell, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name: value` below a heading; those without a value are left out. */
export function fields(values: Readonly<Record<string, string | null | undefined>>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [`  ${name}: ${fitForLog(value)}`],
  );
}

/** One object per line; nothing for none. */
export function jsonLines(values: readonly object[]): string {
  return values.map((value) => JSON.stringify(value)).join('\n');
}

/** Times of the store as RFC 3339 text. */
export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

interface Listing<T> {
  /** Up to one more than `limit`, which tells that there are more. */
  readonly found: readonly T[];
  readonly limit: number;
  /** What they are called, such as `devices`. */
  readonly plural: string;
}

/** The part of a listing to show, and what to say when that is not all of it. */
export function cutListing<T>({ found, limit, plural }: Listing<T>): {
  readonly shown: readonly T[];
  readonly note: string | undefined;
} {
  if (found.length <= limit) return { shown: found, note: undefined };
  return {
    shown: found.slice(0, limit),
    note: `there are more than ${limit} ${plural}: narrow the list, or raise --limit`,
  };
}

/** The note goes to standard error, so that what reads the list does not take it for a part of it. */
export function printNote(note: string | undefined): void {
  if (note !== undefined) console.error(note);
}
