/** Requests whose body does not fit, with the places in it. */
import type { z } from 'zod';
import type { Path } from '../catalog/objects.js';
import { formatPath } from '../catalog/schema-issue.js';
import { HttpError } from '../errors.js';

export interface BodyProblem {
  /** Where in the body. */
  readonly path: Path;
  readonly message: string;
}

/** 400 for what is no such object, 422 for what does not fit together. */
export class InvalidRequestError extends HttpError {
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];

  /** @param problems at least one */
  constructor(status: 400 | 422, problems: readonly BodyProblem[]) {
    super(status, 'malformed-request', sentenceOf(problems));
    this.name = 'InvalidRequestError';
    this.errors = problems
      .slice(0, mostErrors)
      .map(({ path, message }) => ({ pointer: pointerTo(path), detail: message }));
  }
}

/** What a schema has found. */
export function problemsOf(issues: readonly z.core.$ZodIssue[]): BodyProblem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...path, key], message: issue.message }))
      : [{ path, message: issue.message }];
  });
}

/** Nobody reads more of them. */
const mostErrors = 20;

function sentenceOf([first, ...others]: readonly BodyProblem[]): string {
  if (first === undefined) return 'the request does not fit';
  const place = first.path.length === 0 ? '' : `${formatPath(first.path)}: `;
  return `${place}${first.message}${others.length === 0 ? '' : `, and ${others.length} more`}`;
}

/** RFC 6901 6. */
function pointerTo(path: Path): string {
  const steps = path.map((step) => String(step).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1'));
  return `#${steps.map((step) => `/${encodeURIComponent(wellFormed(step))}`).join('')}`;
}

/** Halves of surrogate pairs, which JSON may have, have no UTF-8. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
