/** References from one object of the configuration to another, by name. */
import {
  type CatalogKind,
  type CatalogObject,
  type CatalogObjects,
  type CatalogTypes,
  divisionOf,
  eachObject,
  nounOf,
  type Path,
} from './objects.js';

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
    const names = usableBy(from, objects[kind]).slice(0, 20);
    const known = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
    report(from, path, `there is no ${nounOf(kind)} "${name}"; ${known}`);
  }
  return found?.value;
}

/** The objects that refer to one, each once. */
export function referrersTo(objects: CatalogObjects, kind: CatalogKind, name: string): CatalogObject[] {
  return [...eachObject(objects)].filter((object) =>
    referencesOf(object).some((reference) => reference[0] === kind && reference[1] === name),
  );
}

/** Names of other divisions' objects would be of no use. */
function usableBy(from: CatalogObject, objects: ReadonlyMap<string, CatalogObject>): string[] {
  const own = divisionOf(from);
  return [...objects.values()]
    .filter((object) => {
      const division = divisionOf(object);
      return own === undefined || division === undefined || division === own || object.kind === 'division';
    })
    .map(({ name }) => name);
}

type Reference = readonly [kind: CatalogKind, name: string | undefined];

function referencesOf(object: CatalogObject): readonly Reference[] {
  const { kind, value } = object as AnyObject;
  switch (kind) {
    case 'division':
    case 'template':
      return [];
    case 'profile':
      return [['template', value.template]];
    case 'device-group':
      return [
        ['division', value.division],
        ['authentication-policy', value.authenticationPolicy],
        ...value.policies.map((policy): Reference => ['policy', policy]),
      ];
    case 'authentication-policy':
      return [['division', value.division]];
    case 'certificate-authority':
      return [
        ['division', value.division],
        ['certificate-authority', value.parent],
      ];
    case 'policy':
      return [
        ['division', value.division],
        ['device-group', value.defaultGroup],
        ['authentication-policy', value.authenticationPolicy],
        ['certificate-authority', value.issuingCa],
        ...value.profiles.map(({ profile }): Reference => ['profile', profile]),
      ];
  }
}

/** What tells kinds apart, tells their values apart. */
type AnyObject = { readonly [K in CatalogKind]: CatalogObject<K> }[CatalogKind];
