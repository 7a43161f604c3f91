/** What the rows of a job ended with, as files: written while they are read, however many there are. */
import type { JobRowState } from '../model/job.js';
import type { JobRecord } from '../store/job-record.js';
import type { ShownJobRow } from '../store/job-row-repository.js';
import { csvLine } from './csv-text.js';
import { cellsOfRow, failureColumns } from './input/row-cells.js';
import type { JobKind } from './job-kind.js';
import { pageOfRows } from './row-pages.js';
import type { JobServices } from './services.js';

type Reading = Pick<JobServices, 'store'>;
export type ResultFormat = 'csv' | 'jsonl';

/**
 * All rows in their order, with what each ended with. CSV: the row's number, its own columns, its state, the columns of the kind's
 * results, code and reason of a failure. JSON Lines: an object a row with members `row`, `state`, `input`, `result`, `error`.
 */
export async function* resultLines(
  job: JobRecord,
  format: ResultFormat,
  kind: JobKind,
  services: Reading,
): AsyncGenerator<string> {
  const own = columnsOf(job);
  if (format === 'csv') yield csvLine(['row', ...own, 'state', ...kind.resultColumns, ...failureColumns]);
  for await (const rows of pages(job, undefined, services)) {
    yield rows
      .map((row) => (format === 'csv' ? resultLine(row, job, own, kind) : `${JSON.stringify(describeRow(row))}\n`))
      .join('');
  }
}

/** The failed rows in the form of the input, with code and reason: to be corrected, and to be the input of another job. */
export async function* failureLines(job: JobRecord, kind: JobKind, services: Reading): AsyncGenerator<string> {
  const isCsv = failuresFormat(job) === 'csv';
  const own = columnsOf(job);
  if (isCsv) yield csvLine([...own, ...failureColumns]);
  for await (const rows of pages(job, 'failed', services)) {
    yield rows.map((row) => (isCsv ? failureLine(row, job, own, kind) : failureObject(row))).join('');
  }
}

/** Rows that come from JSON Lines may have what no column is for. */
export function failuresFormat({ inputFormat, selection }: JobRecord): ResultFormat {
  return inputFormat === 'jsonl' && selection === null ? 'jsonl' : 'csv';
}

/** A row and what became of it, for programs. */
export function describeRow({ row, state, input, result, errorCode, reason }: ShownJobRow) {
  return {
    row,
    state,
    input: JSON.parse(input) as Record<string, unknown>,
    ...(result === null ? {} : { result: JSON.parse(result) as Record<string, string> }),
    ...(errorCode === null ? {} : { error: { code: errorCode, reason: reason ?? '' } }),
  };
}

const rowsAtOnce = 500;

async function* pages(
  { id }: JobRecord,
  state: JobRowState | undefined,
  services: Reading,
): AsyncGenerator<readonly ShownJobRow[]> {
  for (let after = 0; ; ) {
    const filter = { jobId: id, after, limit: rowsAtOnce, ...(state === undefined ? {} : { state }) };
    const { rows, isLast } = await pageOfRows(filter, services);
    yield rows;
    after = rows.at(-1)?.row ?? after;
    if (isLast) return;
    // A slow reader holds it up by itself; a fast one must not hold the devices up.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function columnsOf({ inputColumns }: JobRecord): readonly string[] {
  return JSON.parse(inputColumns ?? '[]');
}

function resultLine(shown: ShownJobRow, job: JobRecord, own: readonly string[], kind: JobKind): string {
  const { row, state, result, errorCode, reason } = shown;
  const values: Record<string, string> = JSON.parse(result ?? '{}');
  return csvLine([
    String(row),
    ...cellsOf(shown, job, own, kind),
    state,
    ...kind.resultColumns.map((name) => values[name] ?? ''),
    errorCode ?? '',
    reason ?? '',
  ]);
}

function failureLine(row: ShownJobRow, job: JobRecord, own: readonly string[], kind: JobKind): string {
  return csvLine([...cellsOf(row, job, own, kind), row.errorCode ?? '', row.reason ?? '']);
}

function failureObject({ input, errorCode, reason }: ShownJobRow): string {
  return `${JSON.stringify({ ...JSON.parse(input), error_code: errorCode, error_reason: reason })}\n`;
}

function cellsOf({ input }: ShownJobRow, { inputFormat }: JobRecord, own: readonly string[], kind: JobKind): string[] {
  const given = JSON.parse(input);
  const cells: Record<string, string> = inputFormat === 'csv' ? given : cellsOfRow(given, kind);
  return own.map((name) => cells[name] ?? '');
}
