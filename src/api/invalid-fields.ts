/** Requests with something wrong in them, told with its place: by the operation's schemas, or by what it does not fit. */
import type { z } from 'zod';
import type { Path } from '../catalog/objects.js';
import { describeIssue, formatPath } from '../catalog/schema-issue.js';
import { HttpError } from '../errors.js';
import { fitForLog } from '../fit-for-log.js';
import type { FieldProblem } from '../http/problem.js';

export interface Fault {
  /** Where in the place. */
  readonly path: Path;
  readonly message: string;
}

type Place = 'path' | 'query' | 'body';

/** 400 for what is no such request, 422 for what does not fit together. Its sentence is about the first fault. */
export class InvalidFieldsError extends HttpError {
  readonly errors: readonly FieldProblem[];

  /** @param faults at least one */
  constructor(status: 400 | 422, faults: readonly Fault[], place: Place = 'body') {
    super(status, 'malformed-request', sentenceOf(faults, place, status));
    this.name = 'InvalidFieldsError';
    this.errors = faults.slice(0, mostErrors).map((fault) => problemOf(fault, place));
  }
}

/** Nobody reads more of them. */
const mostErrors = 20;

/** What the schema makes of a value. @throws InvalidFieldsError */
export function checkFields<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: Place = 'body',
): z.output<Schema> {
  const parsed = schema.safeParse(value, { error: describeIssue });
  if (parsed.success) return parsed.data;
  throw new InvalidFieldsError(400, findFaults(parsed.error.issues), place);
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

function sentenceOf([first, ...others]: readonly Fault[], place: Place, status: 400 | 422): string {
  if (first === undefined) return 'the request is not as it has to be';
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  // What no longer fits is said of a stored object, not of the body.
  if (status === 422 && first.path.length === 0) return `${first.message}${more}`;
  const subject = place === 'body' && first.path.length === 0 ? 'the request body' : formatPath(first.path);
  return `${nouns[place]}${subject}: ${uncapitalized(first.message)}${more}`;
}

const nouns = { path: 'path parameter ', query: 'query parameter ', body: '' } as const;

/** Zod's own sentences begin as sentences do. */
function uncapitalized(message: string): string {
  return /^[A-Z][a-z]/.test(message) ? `${message.slice(0, 1).toLowerCase()}${message.slice(1)}` : message;
}

function problemOf({ path, message }: Fault, place: Place): FieldProblem {
  return place === 'body'
    ? { pointer: pointerTo(path), detail: message }
    : { parameter: formatPath(path), detail: message };
}

/** RFC 6901 6. Names are the client's own, and may be anything. */
function pointerTo(path: Path): string {
  const steps = path.map((step) => fitForLog(String(step)).replaceAll('~', '~0').replaceAll('/', '~1'));
  return `#${steps.map((step) => `/${encodeURIComponent(step)}`).join('')}`;
}
