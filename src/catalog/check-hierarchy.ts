/** Checks that the configured CAs form trees: parents exist, none is its own ancestor, path lengths suffice. */
import { parseName } from '../x509/parse-name.js';
import { checkConstrainedNames } from './check-name-constraints.js';
import type { CatalogObject, CatalogObjects } from './objects.js';
import { findReferred, type ReportProblem } from './references.js';

type CaObject = CatalogObject<'certificate-authority'>;

export function checkHierarchy(objects: CatalogObjects, report: ReportProblem): void {
  for (const object of objects['certificate-authority'].values()) {
    checkAuthority(object, objects, report);
  }
}

/** The gateway looks once a second. */
const shortestPublishWithin = 2;

function checkAuthority(object: CaObject, objects: CatalogObjects, report: ReportProblem): void {
  const { division, parent: parentName, subject, crl, issueIntermediates } = object.value;
  if (division !== undefined) {
    findReferred(objects, 'division', division, object, ['division'], report);
  }
  try {
    if (parseName(subject).length === 0) {
      report(object, ['subject'], 'is empty');
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    report(object, ['subject'], `is no distinguished name such as CN=Issuing CA,O=Example: ${problem}`);
  }
  if (crl.validity <= crl.interval) {
    report(object, ['crl', 'validity'], 'must be longer than crl.interval, or devices would be without a valid CRL');
  }
  if (crl.publishWithin < shortestPublishWithin) {
    report(object, ['crl', 'publishWithin'], 'must be 2s at least');
  }
  if (crl.delta !== undefined && crl.delta.validity <= crl.delta.interval) {
    report(
      object,
      ['crl', 'delta', 'validity'],
      'must be longer than crl.delta.interval, or clients would be without a valid delta',
    );
  }
  if (crl.delta !== undefined && crl.delta.interval >= crl.interval) {
    report(object, ['crl', 'delta', 'interval'], 'must be shorter than crl.interval: a delta comes between two CRLs');
  }
  if (parentName !== undefined) {
    const parent = findReferred(objects, 'certificate-authority', parentName, object, ['parent'], report);
    if (parent?.division !== undefined && parent.division !== division) {
      report(
        object,
        ['parent'],
        `certificate authority "${parentName}" belongs to division "${parent.division}" alone`,
      );
    }
  }
  if (object.value.key === 'external' && object.value.stageNextGeneration) {
    report(
      object,
      ['stageNextGeneration'],
      'is of no use with key: external, for no keys are made: import the next one',
    );
  }
  const line = ancestry(object, objects);
  if (line === undefined) {
    report(object, ['parent'], 'leads back to this certificate authority itself');
    return;
  }
  if (line.length > deepest) {
    report(
      object,
      ['parent'],
      `has ${line.length - 1} certificate authorities above it: ${deepest - 1} are the most that everybody validates`,
    );
  }
  checkConstrainedNames(line, report);
  const room = roomBelow(line);
  if (room < 0) {
    report(object, ['pathLength'], 'the path length of a CA above leaves no room for this certificate authority');
  } else if (issueIntermediates && room < 1) {
    report(object, ['issueIntermediates'], 'needs a pathLength of at least 1, here and accordingly above, or none');
  }
}

const deepest = 8;

/** The CA and those above it, itself first; undefined for a circle. */
function ancestry(object: CaObject, objects: CatalogObjects): CaObject[] | undefined {
  const line: CaObject[] = [];
  let next: CaObject | undefined = object;
  while (next !== undefined) {
    if (line.includes(next)) {
      return undefined;
    }
    line.push(next);
    const { parent }: CaObject['value'] = next.value;
    next = parent === undefined ? undefined : objects['certificate-authority'].get(parent);
  }
  return line;
}

/** How many CAs may follow below the first of the line (RFC 5280 4.2.1.9); negative if it may not exist itself. */
function roomBelow(line: readonly CaObject[]): number {
  return Math.min(...line.map(({ value }, depth) => (value.pathLength ?? Number.POSITIVE_INFINITY) - depth));
}
