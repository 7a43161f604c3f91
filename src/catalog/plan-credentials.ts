/** What becomes of the credentials of a plan. */
import type { Sealing } from '../keys/sealing.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import {
  CredentialProblem,
  credentialContext,
  type PreparedCredential,
  prepareCredential,
  showCredential,
} from './credential-definition.js';
import { differencesBetween } from './differences.js';
import type { DocumentCredential } from './document.js';
import type { PlanDependencies, PlanProblem, StepOutline, Wanted } from './wanted.js';

export interface CredentialStep extends StepOutline {
  readonly kind: 'credential';
  readonly credential: PreparedCredential;
  /** What there is of it already. */
  readonly record?: CredentialRecord;
}

/** Plans the credentials that are wanted; what is wrong with them goes to the problems. */
export async function planCredentials(
  wanted: Wanted,
  dependencies: PlanDependencies,
  problems: PlanProblem[],
): Promise<CredentialStep[]> {
  const steps: CredentialStep[] = [];
  const stored = new Map<string, Promise<Map<string, CredentialRecord>>>();
  const lookups = new Map<string, string>();
  for (const credential of wanted.credentials) {
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
      problems.push({ path: [...path, ...error.path], message: error.message });
    }
  }
  return steps;
}

/** The kinds of the credentials that an authentication policy would have. */
export async function kindsAfter(
  authenticationPolicy: string,
  { credentials }: Wanted,
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
): CredentialStep {
  const record = records.get(config.name);
  const credential = prepareCredential(authenticationPolicy, config, passcodeLookup, record);
  const outline = { kind: 'credential', name: `${authenticationPolicy}/${config.name}`, credential } as const;
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
  { definition, secret, keepsSecret }: PreparedCredential,
  record: CredentialRecord,
  sealing: Sealing,
): boolean {
  if (keepsSecret || definition.kind !== record.kind) {
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
