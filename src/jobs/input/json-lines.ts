/** Rows of JSON Lines: an object a line. */
import { hasRepeatedMember } from '../../http/json.js';
import { InputError, type InputProblem, maximumProblems } from './input-error.js';
import { failureColumns } from './row-cells.js';
import { longestRow, tooLong } from './text-blocks.js';

export interface JsonRow {
  /** As it was read, without what a file of failures adds. */
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Every row, until the first problem: from then on it is only read to tell of the others as well.
 * @throws InputError
 */
export async function* jsonRows(blocks: AsyncIterable<string>): AsyncGenerator<JsonRow> {
  const problems: InputProblem[] = [];
  let number = 0;
  for await (const block of blocks) {
    for (const line of block.replace(/\n$/, '').split('\n')) {
      number++;
      const text = line.trim();
      if (text === '') continue;
      const row = text.length > longestRow ? tooLong : readObject(text);
      if (typeof row === 'string') problems.push({ line: number, message: row });
      else if (problems.length === 0) yield row;
      if (problems.length === maximumProblems) throw new InputError(problems);
    }
  }
  if (problems.length > 0) throw new InputError(problems);
}

/** No row has more; what has may be too much for what writes it again. */
const deepest = 8;

/** What is wrong with it, if it is none. */
function readObject(text: string): JsonRow | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is not JSON; each line is an object of its own';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no JSON object';
  if (isDeeper(value, deepest)) return `it is nested more than ${deepest} levels deep`;
  if (hasRepeatedMember(text)) return 'it has a member twice in one object';
  const row: Record<string, unknown> = { ...value };
  if (!failureColumns.some((column) => column in row)) return { text, value: row };
  for (const column of failureColumns) delete row[column];
  return { text: JSON.stringify(row), value: row };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}
