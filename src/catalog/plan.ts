/** What applying a document would do: compares it with what is stored, and checks the outcome as a whole. */
import { isDeepStrictEqual } from 'node:util';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import type { Store } from '../store/store.js';
import { isBuiltInTemplate } from './built-in-templates.js';
import { checkObjects } from './check.js';
import { checkCredentialNames } from './check-credential-names.js';
import {
  CredentialProblem,
  credentialContext,
  type PreparedCredential,
  prepareCredential,
  showCredential,
} from './credential-definition.js';
import { type Difference, differencesBetween } from './differences.js';
import type { CatalogDocument, DocumentCredential } from './document.js';
import { type CatalogKind, type CatalogObject, type CatalogObjects, collectObjects, eachObject } from './objects.js';
import { DocumentError } from './problem.js';
import type { ReportProblem } from './references.js';
import { readStoredCatalog, type StoredCatalog } from './stored.js';

export interface CatalogPlan {
  /** The version of the stored configuration that it was made against. */
  readonly version: number;
  readonly steps: readonly PlanStep[];
}

interface StepOutline {
  readonly action: 'create' | 'change' | 'unchanged';
  /** A credential's is `<authentication policy>/<credential>`. */
  readonly name: string;
  /** Without secrets; empty unless the action is `change`. */
  readonly differences: readonly Difference[];
  /** A sentence for the operator. */
  readonly note?: string;
}

export type PlanStep = StepOutline &
  (
    | { readonly kind: CatalogKind; readonly object: CatalogObject }
    | { readonly kind: 'credential'; readonly credential: PreparedCredential; readonly record?: CredentialRecord }
  );

export interface PlanDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials'>;
  readonly sealing: Sealing;
  readonly passcodeLookup: PasscodeLookup;
}

/**
 * Plans a document. What is stored and absent from the document stays as it is.
 * @throws DocumentError with everything in the outcome that does not fit together
 */
export async function planDocument(document: CatalogDocument, dependencies: PlanDependencies): Promise<CatalogPlan> {
  return planAgainst(await readStoredCatalog(dependencies.store), document, dependencies);
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
  return planAgainst(stored, { ...document, objects, credentials }, dependencies);
}

async function planAgainst(
  stored: StoredCatalog,
  document: CatalogDocument,
  dependencies: PlanDependencies,
): Promise<CatalogPlan> {
  const problems: string[] = [];
  for (const object of document.objects) {
    if (object.kind === 'template' && isBuiltInTemplate(object.name)) {
      const message = `"${object.name}" is a built-in template, which cannot be changed; give yours another name`;
      problems.push(document.locate([...(object.path ?? []), 'name'], message));
    }
  }
  const outcome = collectObjects([...eachObject(stored.objects), ...document.objects]);
  const known = storedProblems(stored.objects);
  const report: ReportProblem = (object, path, message) => {
    if (object.path !== undefined) problems.push(document.locate([...object.path, ...path], message));
    else if (!known.has(describeStored(object, message))) problems.push(describeStored(object, message));
  };
  checkObjects(outcome, report);
  await checkCredentialNames(outcome, (policy) => kindsAfter(policy, document, dependencies), report);
  const credentials = await planCredentials(document, dependencies, problems);
  if (problems.length > 0) {
    throw new DocumentError(problems);
  }
  return {
    version: stored.version,
    steps: [...document.objects.map((object) => planObject(object, stored.objects)), ...credentials],
  };
}

/** What did not fit before is not the document's fault: it is from a version that did not check it. */
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

async function planCredentials(
  document: CatalogDocument,
  dependencies: PlanDependencies,
  problems: string[],
): Promise<PlanStep[]> {
  const steps: PlanStep[] = [];
  const stored = new Map<string, Promise<Map<string, CredentialRecord>>>();
  const lookups = new Map<string, string>();
  for (const credential of document.credentials) {
    const { authenticationPolicy, path } = credential;
    const records = stored.get(authenticationPolicy) ?? readRecords(authenticationPolicy, dependencies);
    stored.set(authenticationPolicy, records);
    try {
      const step = planCredential(credential, await records, dependencies);
      requireUniqueLookup(step.credential, await records, lookups);
      steps.push(step);
    } catch (error) {
      if (!(error instanceof CredentialProblem)) {
        throw error;
      }
      problems.push(document.locate([...path, ...error.path], error.message));
    }
  }
  return steps;
}

/** The kinds of the credentials that an authentication policy would have. */
async function kindsAfter(
  authenticationPolicy: string,
  { credentials }: CatalogDocument,
  dependencies: PlanDependencies,
): Promise<ReadonlyMap<string, string>> {
  const stored = [...(await readRecords(authenticationPolicy, dependencies)).values()];
  const added = credentials.filter((credential) => credential.authenticationPolicy === authenticationPolicy);
  return new Map([
    ...stored.map(({ name, kind }) => [name, kind] as const),
    ...added.map(({ config: { name, kind } }) => [name, kind] as const),
  ]);
}

async function readRecords(
  authenticationPolicy: string,
  { store }: PlanDependencies,
): Promise<Map<string, CredentialRecord>> {
  const records = await store.credentials.listByPolicy({ authenticationPolicy });
  return new Map(records.map((record) => [record.name, record]));
}

function planCredential(
  { authenticationPolicy, config }: DocumentCredential,
  records: ReadonlyMap<string, CredentialRecord>,
  { sealing, passcodeLookup }: PlanDependencies,
): Extract<PlanStep, { kind: 'credential' }> {
  const credential = prepareCredential(authenticationPolicy, config, passcodeLookup);
  const outline = { kind: 'credential', name: `${authenticationPolicy}/${config.name}`, credential } as const;
  const record = records.get(config.name);
  if (record === undefined) {
    return { ...outline, action: 'create', differences: [] };
  }
  const differences = differencesBetween(showCredential(record), showCredential(credential.definition));
  if (differences.every(({ path }) => path !== 'username') && !hasSameSecret(credential, record, sealing)) {
    differences.push({ path: 'secret', from: '(secret)', to: '(another secret)' });
  }
  if (differences.length === 0) {
    const note = record.revokedAt === null ? {} : { note: 'it was revoked, and stays so' };
    return { ...outline, record, action: 'unchanged', differences, ...note };
  }
  if (record.revokedAt !== null) {
    throw new CredentialProblem(['name'], `the credential "${config.name}" was revoked; give the new one another name`);
  }
  return { ...outline, record, action: 'change', differences };
}

/** A passcode is compared by its keyed hash, which also covers the user name. */
function hasSameSecret(
  { definition, secret }: PreparedCredential,
  record: CredentialRecord,
  sealing: Sealing,
): boolean {
  if (definition.kind !== record.kind) {
    return true;
  }
  if (secret === undefined || record.sealed === null) {
    return definition.kind !== 'passcode' || definition.lookup === record.lookup;
  }
  const before = sealing.open(credentialContext(record.id), record.sealed);
  const isSame = Buffer.compare(before, secret) === 0;
  before.fill(0);
  return isSame;
}

/** Passcodes may be alike, as people choose them; references, key ids and certificates say which credential is meant. */
function requireUniqueLookup(
  { definition }: PreparedCredential,
  records: ReadonlyMap<string, CredentialRecord>,
  inDocument: Map<string, string>,
): void {
  const { authenticationPolicy, kind, lookup, name } = definition;
  if (kind === 'passcode') {
    return;
  }
  const key = `${authenticationPolicy}\0${kind}\0${lookup}`;
  const twin =
    inDocument.get(key) ??
    [...records.values()].find((r) => r.kind === kind && r.lookup === lookup && r.name !== name && r.revokedAt === null)
      ?.name;
  if (twin !== undefined) {
    throw new CredentialProblem([], `credential "${twin}" of this authentication policy is the same ${kind}`);
  }
  inDocument.set(key, name);
}

const frozenInCertificate: ReadonlySet<string> = new Set([
  'subject',
  'key',
  'parent',
  'validity',
  'pathLength',
  'signatureHash',
]);
