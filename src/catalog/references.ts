/** References from one object of the configuration to another, by name. */
import type { CatalogKind, CatalogObject, CatalogObjects, CatalogTypes, Path } from './objects.js';

/** Takes one problem: the object that has it, where in the object, and what is wrong. */
export type ReportProblem = (object: CatalogObject, path: Path, message: string) => void;

/** Finds what an object refers to, or reports that it does not exist. */
export function findReferred<K extends CatalogKind>(
  objects: CatalogObjects,
  kind: K,
  name: string,
  from: CatalogObject,
  path: Path,
  report: ReportProblem,
): CatalogTypes[K] | undefined {
  const found = objects[kind].get(name);
  if (found === undefined) {
    const names = [...objects[kind].keys()].slice(0, 20);
    const known = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
    report(from, path, `there is no ${kind.replaceAll('-', ' ')} "${name}"; ${known}`);
  }
  return found?.value;
}
