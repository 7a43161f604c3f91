/** The rows of a file, whatever its form. */
import { quote } from '../../policy/safe-text.js';
import type { JobKind } from '../job-kind.js';
import { countRows } from './count-rows.js';
import { csvRows } from './csv-rows.js';
import { refuse } from './input-error.js';
import { jsonRows } from './json-lines.js';
import { cellsOfRow, rowOfCells } from './row-cells.js';
import { limited, textBlocks } from './text-blocks.js';
import { openZip } from './unzip.js';

export const inputFormats = ['csv', 'jsonl', 'zip'] as const;
/** `zip`: with one file in it, whose name tells its own format. */
export type InputFormat = (typeof inputFormats)[number];

export const largestInput = 1_073_741_824;
export const mostRows = 1_000_000;
const mostColumns = 100;

export interface InputRow {
  /** JSON text, as it is kept. */
  readonly text: string;
  /** What does not fit the kind of job: the row has failed before it begins. */
  readonly problem: string | undefined;
}

export interface Input {
  readonly format: 'csv' | 'jsonl';
  /** @throws InputError for a file that cannot be read, wherever that shows */
  readonly rows: AsyncIterable<InputRow>;
  /** Known when all rows are read. */
  columns(): readonly string[];
}

export async function openInput(source: AsyncIterable<Uint8Array>, format: InputFormat, kind: JobKind): Promise<Input> {
  const packed = limited(source, largestInput);
  if (format !== 'zip') return readText(packed, format, kind);
  const { name, content } = await openZip(packed);
  return readText(limited(content, largestInput), formatOfName(name), kind);
}

/** @throws InputError for a name that tells nothing */
export function formatOfName(name: string): 'csv' | 'jsonl' {
  if (/\.csv$/i.test(name)) return 'csv';
  if (/\.(jsonl|ndjson)$/i.test(name)) return 'jsonl';
  throw refuse(`the file ${quote(name)} is neither .csv nor .jsonl by its name`);
}

/** What does not fit, in words; undefined for a row that does. */
export function problemOfRow(row: unknown, kind: JobKind): string | undefined {
  const parsed = kind.row.safeParse(row);
  if (parsed.success) return undefined;
  return parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}

function readText(source: AsyncIterable<Uint8Array>, format: 'csv' | 'jsonl', kind: JobKind): Input {
  const blocks = textBlocks(source);
  const columns = new Set<string>();
  return {
    format,
    rows: counted(format === 'csv' ? readCsv(blocks, kind, columns) : readJson(blocks, kind, columns)),
    columns: () => [...columns],
  };
}

async function* readCsv(blocks: AsyncIterable<string>, kind: JobKind, columns: Set<string>): AsyncGenerator<InputRow> {
  const onColumns = (names: readonly string[]) => {
    for (const name of names) columns.add(name);
  };
  for await (const { text, cells } of csvRows(blocks, kind, onColumns)) {
    yield { text, problem: problemOfRow(rowOfCells(cells, kind), kind) };
  }
}

async function* readJson(blocks: AsyncIterable<string>, kind: JobKind, columns: Set<string>): AsyncGenerator<InputRow> {
  for await (const { text, value } of jsonRows(blocks)) {
    for (const name of Object.keys(cellsOfRow(value, kind))) columns.add(name);
    if (columns.size > mostColumns) throw refuse(`its rows have more than ${mostColumns} different members`);
    yield { text, problem: problemOfRow(value, kind) };
  }
}

async function* counted(rows: AsyncIterable<InputRow>): AsyncGenerator<InputRow> {
  let isEmpty = true;
  const count = countRows(mostRows, () => refuse(`it has more than ${mostRows} rows: split it`));
  for await (const row of rows) {
    count();
    isEmpty = false;
    yield row;
  }
  if (isEmpty) throw refuse('it has no rows');
}
