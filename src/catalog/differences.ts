/** What differs between two objects, leaf by leaf, for people and the audit log. */
import { isDeepStrictEqual } from 'node:util';
import type { Json, Path } from './objects.js';
import { formatPath } from './schema-issue.js';

export interface Difference {
  /** Such as `validity` or `subject[0].required`. */
  readonly path: string;
  /** Undefined if it was not there before, or will not be. */
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

/** Lists the leaves that differ; maps are compared key by key, lists position by position. */
export function differencesBetween(from: Json | undefined, to: Json | undefined, path: Path = []): Difference[] {
  if (isDeepStrictEqual(from, to)) {
    return [];
  }
  const before = entriesOf(from);
  const after = entriesOf(to);
  if (before === undefined || after === undefined || Array.isArray(from) !== Array.isArray(to)) {
    return [{ path: formatPath(path), from, to }];
  }
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) =>
    differencesBetween(before.get(key), after.get(key), [...path, key]),
  );
}

function entriesOf(value: Json | undefined): Map<string | number, Json> | undefined {
  if (Array.isArray(value)) {
    return new Map(value.map((item: Json, index) => [index, item]));
  }
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}
