/** Requests whose fields are not as the operation's schemas have them. */
import type { z } from 'zod';
import type { Path } from '../catalog/objects.js';
import { describeIssue, formatPath } from '../catalog/schema-issue.js';
import { HttpError } from '../errors.js';
import { fitForLog } from '../fit-for-log.js';
import type { FieldProblem } from '../http/problem.js';

/** A refusal that names the fields that are wrong. Its sentence is about the first one. */
export class InvalidFieldsError extends HttpError {
  readonly errors: readonly FieldProblem[];

  constructor(sentence: string, errors: readonly FieldProblem[]) {
    super(400, 'malformed-request', sentence);
    this.errors = errors;
  }
}

/** Nobody reads more of them. */
const mostErrors = 20;

/** What the schema makes of a value. @throws InvalidFieldsError */
export function checkFields(schema: z.ZodType, value: unknown, place: 'path' | 'query' | 'body'): unknown {
  const parsed = schema.safeParse(value, { error: describeIssue });
  if (parsed.success) return parsed.data;
  throw invalidFields(findFaults(parsed.error.issues), place);
}

export interface Fault {
  readonly path: Path;
  readonly message: string;
}

/** @param faults at least one */
export function invalidFields(faults: readonly Fault[], place: 'path' | 'query' | 'body'): InvalidFieldsError {
  const [first = { path: [], message: 'is not as it has to be' }] = faults;
  const more = faults.length > 1 ? `, and ${faults.length - 1} more` : '';
  const subject = place === 'body' && first.path.length === 0 ? 'the request body' : formatPath(first.path);
  const errors = faults
    .slice(0, mostErrors)
    .map(({ path, message }) =>
      place === 'body'
        ? { pointer: pointerTo(path), detail: message }
        : { parameter: formatPath(path), detail: message },
    );
  return new InvalidFieldsError(`${nouns[place]}${subject} ${message(first)}${more}`, errors);
}

const nouns = { path: 'path parameter ', query: 'query parameter ', body: '' } as const;

/** Zod's own sentences begin as sentences do. */
function message({ message }: Fault): string {
  return /^[A-Z][a-z]/.test(message) ? `is wrong: ${message.slice(0, 1).toLowerCase()}${message.slice(1)}` : message;
}

/** One for each field: an issue about unknown keys is about several. */
function findFaults(issues: readonly z.core.$ZodIssue[]): Fault[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...path, key], message: issue.message }))
      : [{ path, message: issue.message }];
  });
}

/** RFC 6901 6. Names are the client's own, and may be anything. */
function pointerTo(path: Path): string {
  const steps = path.map((step) => fitForLog(String(step)).replaceAll('~', '~0').replaceAll('/', '~1'));
  return `#${steps.map((step) => `/${encodeURIComponent(step)}`).join('')}`;
}
