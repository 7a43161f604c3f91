/** What a change of the configuration would do: compares it with what is stored, and checks the outcome as a whole. */
import { isDeepStrictEqual } from 'node:util';
import { isBuiltInTemplate } from './built-in-templates.js';
import { checkObjects } from './check.js';
import { checkCredentialNames } from './check-credential-names.js';
import { checkGroupsInUse } from './check-groups-in-use.js';
import { checkOfflineIssuers } from './check-offline-issuers.js';
import { differencesBetween } from './differences.js';
import { type CatalogKind, type CatalogObject, type CatalogObjects, collectObjects, eachObject } from './objects.js';
import { type CredentialStep, kindsAfter, planCredentials } from './plan-credentials.js';
import type { ReportProblem } from './references.js';
import type { StoredCatalog } from './stored.js';
import { MisfitError, type PlanDependencies, type PlanProblem, type StepOutline, type Wanted } from './wanted.js';

export interface CatalogPlan {
  /** The version of the stored configuration that it was made against. */
  readonly version: number;
  readonly steps: readonly PlanStep[];
}

export type PlanStep = CredentialStep | (StepOutline & { readonly kind: CatalogKind; readonly object: CatalogObject });

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
  const { plan, problems } = await draftPlan(wanted, stored, dependencies, isVisible);
  if (problems.length > 0) throw new MisfitError(problems);
  return plan;
}

interface PlanDraft {
  readonly plan: CatalogPlan;
  /** What there would be. */
  readonly outcome: CatalogObjects;
  readonly problems: readonly PlanProblem[];
}

/** The same, where there is more to be said than what is wrong with the configuration. */
export async function draftPlan(
  wanted: Wanted,
  stored: StoredCatalog,
  dependencies: PlanDependencies,
  isVisible?: (object: CatalogObject) => boolean,
): Promise<PlanDraft> {
  const problems: PlanProblem[] = [];
  for (const object of wanted.objects) {
    if (object.kind === 'template' && isBuiltInTemplate(object.name)) {
      const message = `"${object.name}" is a built-in template, which cannot be changed; give yours another name`;
      problems.push({ path: [...(object.path ?? []), 'name'], message });
    }
  }
  if (isVisible !== undefined) checkVisible(wanted, [...eachObject(stored.objects)].filter(isVisible), problems);
  // What is said of the whole may name objects that are not to be known of.
  const outcome = collectObjects([...eachObject(stored.objects), ...wanted.objects]);
  if (isVisible === undefined || problems.length === 0)
    await checkWhole(wanted, stored, outcome, dependencies, problems);
  const credentials = await planCredentials(wanted, dependencies, problems);
  const steps = [...wanted.objects.map((object) => planObject(object, stored.objects)), ...credentials];
  return { plan: { version: stored.version, steps }, outcome, problems };
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
  outcome: CatalogObjects,
  dependencies: PlanDependencies,
  problems: PlanProblem[],
): Promise<void> {
  const known = storedProblems(stored.objects);
  const report: ReportProblem = (object, path, message) => {
    const described = describeStored(object, message);
    if (object.path !== undefined) problems.push({ path: [...object.path, ...path], message });
    else if (!known.has(described)) problems.push({ message: described });
  };
  checkObjects(outcome, report);
  await checkCredentialNames(outcome, (policy) => kindsAfter(policy, wanted, dependencies), report);
  await checkGroupsInUse(wanted.objects, stored.objects, dependencies.store, report);
  await checkOfflineIssuers(wanted.objects, stored.objects, dependencies.store, report);
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
  const isFrozen =
    kind === 'certificate-authority' &&
    differences.some(({ path }) => frozenInCertificate.has(/^\w+/.exec(path)?.[0] ?? ''));
  const note = 'its present certificate stays as it is; this shows in the next one';
  return { action: 'change', kind, name, object, differences, ...(isFrozen ? { note } : {}) };
}

const frozenInCertificate: ReadonlySet<string> = new Set([
  'subject',
  'key',
  'keyStore',
  'parent',
  'validity',
  'pathLength',
  'signatureHash',
  'certificatePolicies',
  'nameConstraints',
]);
