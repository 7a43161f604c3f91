/** Checks the name constraints of CAs (RFC 5280 4.2.1.10): that they can be read, and that what is configured below them can keep them. */
import { encodeNameConstraints, readNameConstraints } from '../x509/encode-name-constraints.js';
import {
  checkNameConstraints,
  constrainedNames,
  decodeNameConstraints,
  type NameConstraints,
} from '../x509/name-constraints.js';
import { encodeName, type NamedValue } from '../x509/names.js';
import { parseName } from '../x509/parse-name.js';
import type { CatalogObject } from './objects.js';
import type { ReportProblem } from './references.js';
import { serviceSubject } from './service-profiles.js';

type CaObject = CatalogObject<'certificate-authority'>;

/** @param line the CA and those above it, itself first */
export function checkConstrainedNames(line: readonly CaObject[], report: ReportProblem): void {
  const [object, ...above] = line;
  if (object === undefined) return;
  const { nameConstraints, key } = object.value;
  if (nameConstraints !== undefined && key === 'external') {
    report(
      object,
      ['nameConstraints'],
      'is of no use with key: external: its certificate says which names it may issue to',
    );
  }
  readConstraints(object, report);
  const subject = readSubject(object);
  if (subject === undefined) return;
  for (const issuer of above) {
    const problem = checkNameConstraints(
      constrainedNames(encodeName(subject), []),
      readConstraints(issuer, () => {}),
    );
    if (problem !== undefined) {
      report(object, ['subject'], `is not for a CA below "${issuer.name}": ${problem} by its nameConstraints`);
      return;
    }
  }
  const all = line.flatMap((each) => readConstraints(each, () => {}));
  const isDenied = (name: Uint8Array) => checkNameConstraints(constrainedNames(name, []), all) !== undefined;
  if (isDenied(serviceSubject(serviceName, [])) && isDenied(serviceSubject(serviceName, subject))) {
    const message =
      "leaves the gateway's own certificates by it no name: nameConstraints must permit it without its common name, in the order DC, C, ST, L, O, OU";
    report(object, ['subject'], message);
  }
}

const serviceName = 'Gatehouse';

/** None, if something is wrong with them. */
function readConstraints(object: CaObject, report: ReportProblem): readonly NameConstraints[] {
  const { nameConstraints } = object.value;
  if (nameConstraints === undefined) return [];
  let isReadable = true;
  const subtrees = readNameConstraints(nameConstraints, (path, message) => {
    isReadable = false;
    report(object, path, message);
  });
  return isReadable ? [decodeNameConstraints(encodeNameConstraints(subtrees))] : [];
}

/** Undefined for one that is no name, which is reported elsewhere. */
function readSubject({ value }: CaObject): readonly (readonly NamedValue[])[] | undefined {
  try {
    return parseName(value.subject);
  } catch {
    return undefined;
  }
}
