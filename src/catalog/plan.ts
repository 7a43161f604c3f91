/** What applying a document would do: compares it with what is stored, and checks the outcome as a whole. */
import { isDeepStrictEqual } from 'node:util';
import { isBuiltInTemplate } from './built-in-templates.js';
import { checkObjects } from './check.js';
import { checkCredentialNames } from './check-credential-names.js';
import { checkGroupsInUse } from './check-groups-in-use.js';
import { differencesBetween } from './differences.js';
import type { CatalogDocument, DocumentCredential } from './document.js';
import { type CatalogKind, type CatalogObject, type CatalogObjects, collectObjects, eachObject } from './objects.js';
import { type CredentialStep, kindsAfter, planCredentials } from './plan-credentials.js';
import { DocumentError } from './problem.js';
import type { ReportProblem } from './references.js';
import { readStoredCatalog, type StoredCatalog } from './stored.js';
import { MisfitError, type PlanDependencies, type PlanProblem, type StepOutline, type Wanted } from './wanted.js';

export interface CatalogPlan {
  /** The version of the stored configuration that it was made against. */
  readonly version: number;
  readonly steps: readonly PlanStep[];
}

export type PlanStep = CredentialStep | (StepOutline & { readonly kind: CatalogKind; readonly object: CatalogObject });

/**
 * Plans a document.
 * @throws DocumentError with everything in the outcome that does not fit together
 */
export async function planDocument(document: CatalogDocument, dependencies: PlanDependencies): Promise<CatalogPlan> {
  return locating(document, async () =>
    planWanted(document, await readStoredCatalog(dependencies.store), dependencies),
  );
}

/**
 * Plans only what the document has and the store has not: what is stored stays as its operator has made it.
 * @throws DocumentError as {@link planDocument}
 */
export async function planAdditions(document: CatalogDocument, dependencies: PlanDependencies): Promise<CatalogPlan> {
  const stored = await readStoredCatalog(dependencies.store);
  const objects = document.objects.filter(({ kind, name }) => !stored.objects[kind].has(name));
  const credentials: DocumentCredential[] = [];
  for (const credential of document.credentials) {
    const { authenticationPolicy, config } = credential;
    const record = await dependencies.store.credentials.findByName({ authenticationPolicy, name: config.name });
    if (record === undefined) {
      credentials.push(credential);
    }
  }
  return locating(document, () => planWanted({ objects, credentials }, stored, dependencies));
}

/**
 * Plans what is wanted.
 * @param isVisible whether who wants it may know of a stored object; what it may not know of is not there to be referred to
 * @throws MisfitError
 */
export async function planWanted(
  wanted: Wanted,
  stored: StoredCatalog,
  dependencies: PlanDependencies,
  isVisible?: (object: CatalogObject) => boolean,
): Promise<CatalogPlan> {
  const problems: PlanProblem[] = [];
  for (const object of wanted.objects) {
    if (object.kind === 'template' && isBuiltInTemplate(object.name)) {
      const message = `"${object.name}" is a built-in template, which cannot be changed; give yours another name`;
      problems.push({ path: [...(object.path ?? []), 'name'], message });
    }
  }
  if (isVisible !== undefined) checkVisible(wanted, [...eachObject(stored.objects)].filter(isVisible), problems);
  // What is said of the whole may name objects that are not to be known of.
  if (isVisible === undefined || problems.length === 0) await checkWhole(wanted, stored, dependencies, problems);
  const credentials = await planCredentials(wanted, dependencies, problems);
  if (problems.length > 0) {
    throw new MisfitError(problems);
  }
  return {
    version: stored.version,
    steps: [...wanted.objects.map((object) => planObject(object, stored.objects)), ...credentials],
  };
}

async function locating(document: CatalogDocument, plan: () => Promise<CatalogPlan>): Promise<CatalogPlan> {
  try {
    return await plan();
  } catch (error) {
    if (!(error instanceof MisfitError)) throw error;
    throw new DocumentError(
      error.problems.map(({ path, message }) => (path === undefined ? message : document.locate(path, message))),
    );
  }
}

function checkVisible(wanted: Wanted, visible: readonly CatalogObject[], problems: PlanProblem[]): void {
  checkObjects(collectObjects([...visible, ...wanted.objects]), (object, path, message) => {
    if (object.path !== undefined) problems.push({ path: [...object.path, ...path], message });
  });
}

/** What takes all there would be to find out. */
async function checkWhole(
  wanted: Wanted,
  stored: StoredCatalog,
  dependencies: PlanDependencies,
  problems: PlanProblem[],
): Promise<void> {
  const outcome = collectObjects([...eachObject(stored.objects), ...wanted.objects]);
  const known = storedProblems(stored.objects);
  const report: ReportProblem = (object, path, message) => {
    const described = describeStored(object, message);
    if (object.path !== undefined) problems.push({ path: [...object.path, ...path], message });
    else if (!known.has(described)) problems.push({ message: described });
  };
  checkObjects(outcome, report);
  await checkCredentialNames(outcome, (policy) => kindsAfter(policy, wanted, dependencies), report);
  await checkGroupsInUse(wanted.objects, stored.objects, dependencies.store, report);
}

/** What did not fit before is not the fault of what is wanted: it is from a version that did not check it. */
function storedProblems(objects: CatalogObjects): ReadonlySet<string> {
  const found = new Set<string>();
  checkObjects(objects, (object, _path, message) => found.add(describeStored(object, message)));
  return found;
}

function describeStored({ kind, name }: CatalogObject, message: string): string {
  return `stored ${kind} "${name}" would no longer fit: ${message}`;
}

function planObject(object: CatalogObject, stored: CatalogObjects): PlanStep {
  const { kind, name } = object;
  const before = stored[kind].get(name);
  if (before === undefined) {
    return { action: 'create', kind, name, object, differences: [] };
  }
  if (isDeepStrictEqual(before.value, object.value)) {
    return { action: 'unchanged', kind, name, object, differences: [] };
  }
  const differences = differencesBetween(before.written, object.written);
  const isFrozen = kind === 'certificate-authority' && differences.some(({ path }) => frozenInCertificate.has(path));
  const note = 'its present certificate stays as it is; this shows in the next one';
  return { action: 'change', kind, name, object, differences, ...(isFrozen ? { note } : {}) };
}

const frozenInCertificate: ReadonlySet<string> = new Set([
  'subject',
  'key',
  'parent',
  'validity',
  'pathLength',
  'signatureHash',
]);
