/** Says what a schema found wrong in words for the person who wrote the file: what is wrong and what is allowed. */
import { z } from 'zod';
import type { Path } from './objects.js';

/** Describes an issue for which the schema has no words of its own. Never repeats the value: it may be a secret. */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; ${expected(issue.expected)}`
        : `must be ${typeName(issue.expected)}`;
    case 'unrecognized_keys':
      return unknownKey(issue.inst);
    case 'invalid_value':
      return issue.input === undefined
        ? `is missing; it is one of ${list(issue.values)}`
        : `must be one of ${list(issue.values)}`;
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? `must be one of ${list(issue.options)}` : undefined;
    default:
      return undefined;
  }
}

/** `policies[0].methods[1]`; a key that is not a plain word stands in quotes. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') {
      text += `[${step}]`;
    } else {
      const word = /^[A-Za-z0-9_-]{1,64}$/.test(step) ? step : JSON.stringify(step.slice(0, 64));
      text += text === '' ? word : `.${word}`;
    }
  }
  return text === '' ? 'the document' : text;
}

function unknownKey(schema: unknown): string {
  return schema instanceof z.ZodObject
    ? `is not known here; allowed are ${Object.keys(schema.shape).join(', ')}`
    : 'is not known here';
}

function expected(type: string): string {
  return `${typeName(type)} is expected`;
}

function typeName(type: string): string {
  return typeNames.get(type) ?? `of type ${type}`;
}

function list(values: readonly unknown[]): string {
  return values.map(String).join(', ');
}

const typeNames: ReadonlyMap<string, string> = new Map([
  ['string', 'text (in quotes if it looks like a number)'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'a map of keys and values'],
  ['record', 'a map of keys and values'],
]);
