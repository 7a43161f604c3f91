/** Rows as JSON Lines have them, and as the cells of a CSV file: the one from the other, by the columns of the kind of job. */
import { z } from 'zod';
import { nameSchema } from '../../model/label.js';
import type { Column, JobKind } from '../job-kind.js';

/** By the names of their columns; those that are empty are left out. */
export type Cells = Readonly<Record<string, string>>;

/** Columns that a file of failures has besides; they are not looked at when it comes back. */
export const failureColumns = ['error_code', 'error_reason'] as const;

const maps = [
  { prefix: 'identifier.', member: 'identifiers' },
  { prefix: 'attribute.', member: 'attributes' },
] as const;

/** Whether the kind has a column of this name. */
export function isColumn(name: string, kind: JobKind): boolean {
  if (kind.columns.some((column) => column.name === name)) return true;
  const map = mapOf(name);
  return (
    map !== undefined && hasMember(kind, map.member) && nameSchema.safeParse(name.slice(map.prefix.length)).success
  );
}

/** Names of the columns, with those of its maps as `identifier.<name>`. */
export function columnNames({ columns, ...kind }: JobKind): readonly string[] {
  return [
    ...columns.map(({ name }) => name),
    ...maps.filter(({ member }) => hasMember(kind, member)).map(({ prefix }) => `${prefix}<name>`),
  ];
}

/** The row that cells stand for; whether it fits the kind is yet to be seen. */
export function rowOfCells(cells: Cells, { columns }: Pick<JobKind, 'columns'>): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  const named: Record<string, Record<string, string>> = {};
  for (const [name, cell] of Object.entries(cells)) {
    const map = mapOf(name);
    if (map === undefined) {
      row[name] = columnOf(name, columns)?.isList ? cell.split(/\s+/).filter((item) => item !== '') : cell;
      continue;
    }
    const entries = named[map.member] ?? {};
    entries[name.slice(map.prefix.length)] = cell;
    named[map.member] = entries;
  }
  return { ...row, ...named };
}

/** The cells of a row; members that no column is for are left out. */
export function cellsOfRow(row: unknown, kind: JobKind): Record<string, string> {
  const cells: Record<string, string> = {};
  for (const [name, value] of entriesOf(row)) {
    const map = maps.find(({ member }) => member === name);
    const found =
      map === undefined
        ? [[name, value] as const]
        : entriesOf(value).map(([key, each]) => [`${map.prefix}${key}`, each] as const);
    for (const [column, cell] of found) {
      if (isColumn(column, kind)) cells[column] = cellText(cell);
    }
  }
  return cells;
}

function mapOf(column: string): (typeof maps)[number] | undefined {
  return maps.find(({ prefix }) => column.startsWith(prefix));
}

function columnOf(name: string, columns: readonly Column[]): Column | undefined {
  return columns.find((column) => column.name === name);
}

function hasMember({ row }: Pick<JobKind, 'row'>, member: string): boolean {
  return row instanceof z.ZodObject && member in row.shape;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function cellText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(cellText).join(' ');
  return value === null || value === undefined ? '' : JSON.stringify(value);
}
