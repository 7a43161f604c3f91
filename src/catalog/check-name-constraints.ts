/** Checks the name constraints of CAs (RFC 5280 4.2.1.10): that they can be read, and that what is configured below them can keep them. */
import { compileFixedConstraints } from '../policy/compile-name-constraints.js';
import { encodeNameConstraints } from '../x509/encode-name-constraints.js';
import {
  checkNameConstraints,
  constrainedNames,
  decodeNameConstraints,
  type NameConstraints,
} from '../x509/name-constraints.js';
import { encodeName, type NamedValue, withoutCommonName } from '../x509/names.js';
import { idAtCommonName } from '../x509/oids.js';
import { parseName } from '../x509/parse-name.js';
import type { CatalogObject } from './objects.js';
import type { ReportProblem } from './references.js';

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
  const own = readConstraints(object, report);
  const subject = readSubject(object);
  if (subject === undefined) return;
  for (const issuer of above) {
    const problem = checkNameConstraints(
      constrainedNames(encodeName(subject), []),
      readConstraints(issuer, () => {}),
    );
    if (problem !== undefined) {
      report(object, ['subject'], `is not for a CA below "${issuer.name}": ${problem} by its nameConstraints`);
    }
  }
  const service = [...withoutCommonName(subject), [{ type: idAtCommonName, value: 'service' }]];
  const plain = service.slice(-1);
  const isDenied = (name: readonly (readonly NamedValue[])[]) =>
    checkNameConstraints(constrainedNames(encodeName(name), []), own) !== undefined;
  if (isDenied(plain) && isDenied(service)) {
    const message =
      "must permit the CA's own subject without its common name: the gateway's certificates by it begin so";
    report(object, ['nameConstraints'], message);
  }
}

/** None, if something is wrong with them. */
function readConstraints(object: CaObject, report: ReportProblem): readonly NameConstraints[] {
  const { nameConstraints } = object.value;
  if (nameConstraints === undefined) return [];
  let isReadable = true;
  const subtrees = compileFixedConstraints(nameConstraints, (path, message) => {
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
