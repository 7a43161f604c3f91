/** Rows of a CSV file (RFC 4180): its header is held against the columns of the kind of job, to the letter. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { quote } from '../../policy/safe-text.js';
import { readCell } from '../csv-text.js';
import type { JobKind } from '../job-kind.js';
import { InputError, type InputProblem, maximumProblems, refuse } from './input-error.js';
import { columnNames, failureColumns, isColumn } from './row-cells.js';
import { longestRow, tooLong } from './text-blocks.js';

export interface CsvRow {
  /** JSON text of its cells by the names of their columns. */
  readonly text: string;
  readonly cells: Readonly<Record<string, string>>;
}

const maximumColumns = 100;
const longestCell = 65_536;

/**
 * Every row, until the first problem: from then on it is only read to tell of the others as well.
 * @param onColumns is told the columns, without those of failures
 * @throws InputError
 */
export async function* csvRows(
  blocks: AsyncIterable<string>,
  kind: JobKind,
  onColumns: (columns: readonly string[]) => void,
): AsyncGenerator<CsvRow> {
  const problems: InputProblem[] = [];
  let header: readonly string[] | undefined;
  for await (const { record, info } of records(blocks)) {
    const line = info.lines;
    if (header === undefined) {
      header = checkHeader(record, kind);
      onColumns(header.filter((name) => !isFailureColumn(name)));
      continue;
    }
    const cells = record.map(readCell);
    const problem = problemOf(cells, header);
    if (problem !== undefined) problems.push({ line, message: problem });
    if (problems.length === maximumProblems) break;
    if (problems.length === 0) yield csvRow(cells, header);
  }
  if (problems.length > 0) throw new InputError(problems);
  if (header === undefined)
    throw refuse(`it is empty; it begins with a line of columns: ${columnNames(kind).join(',')}`);
}

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function* records(blocks: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  const parser = parse({
    info: true,
    record_delimiter: ['\r\n', '\n'],
    max_record_size: longestRow,
    // Told with the line and both numbers instead.
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const source = Readable.from(blocks, { highWaterMark: 2 });
  // What goes wrong ends the parser as well, and is thrown there.
  const piped = pipeline(source, parser).catch(() => undefined);
  try {
    for await (const each of parser) yield each;
  } catch (error) {
    throw error instanceof CsvError ? syntaxError(error) : error;
  } finally {
    source.destroy();
    await piped;
  }
}

function syntaxError(error: CsvError): InputError {
  const line = typeof error.lines === 'number' ? error.lines : undefined;
  switch (error.code) {
    case 'CSV_MAX_RECORD_SIZE':
      return refuse(tooLong, line);
    case 'CSV_QUOTE_NOT_CLOSED':
      return refuse('a quote is opened and never closed', line);
    default:
      return refuse(
        'a quote stands in the middle of a cell: put the whole cell in quotes, and double those inside',
        line,
      );
  }
}

/** @throws InputError that names what is unknown, missing and doubled */
function checkHeader(header: readonly string[], kind: JobKind): readonly string[] {
  const [only = ''] = header;
  const separator = header.length === 1 ? [';', '\t', '|'].find((each) => only.includes(each)) : undefined;
  if (separator !== undefined) {
    throw refuse(
      `its cells are separated by ${separator === '\t' ? 'tabs' : `"${separator}"`}; save it with commas`,
      1,
    );
  }
  if (header.length > maximumColumns) throw refuse(`it has more than ${maximumColumns} columns`, 1);
  const unknown = header.filter((name) => !isFailureColumn(name) && !isColumn(name, kind));
  const doubled = header.filter((name, index) => header.indexOf(name) !== index);
  const missing = kind.columns.filter(({ name, isRequired }) => isRequired && !header.includes(name));
  const problems = [
    ...describe('unknown', [...new Set(unknown)]),
    ...describe('doubled', [...new Set(doubled)]),
    ...describe(
      'missing',
      missing.map(({ name }) => name),
    ),
  ];
  if (problems.length === 0) return header;
  throw refuse(`the header has ${problems.join(', and ')}; the columns are ${columnNames(kind).join(',')}`, 1);
}

function describe(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${what} ${names.length === 1 ? 'column' : 'columns'} ${names.map(quote).join(', ')}`];
}

function problemOf(record: readonly string[], header: readonly string[]): string | undefined {
  if (record.length !== header.length) return `it has ${record.length} cells, and the header ${header.length}`;
  const long = record.findIndex((cell) => cell.length > longestCell || Buffer.byteLength(cell) > longestCell);
  return long < 0 ? undefined : `the cell ${quote(header[long] ?? '')} is longer than ${longestCell} bytes`;
}

function csvRow(record: readonly string[], header: readonly string[]): CsvRow {
  const cells: Record<string, string> = {};
  for (const [index, name] of header.entries()) {
    const cell = record[index] ?? '';
    if (cell !== '' && !isFailureColumn(name)) cells[name] = cell;
  }
  return { text: JSON.stringify(cells), cells };
}

function isFailureColumn(name: string): boolean {
  return failureColumns.some((column) => column === name);
}
