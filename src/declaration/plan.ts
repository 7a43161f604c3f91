/** What applying a document would do: to the configuration, to users and to devices. */
import type { CatalogDocument } from '../catalog/document.js';
import { draftPlan, type PlanStep } from '../catalog/plan.js';
import { DocumentError } from '../catalog/problem.js';
import { readStoredCatalog, type StoredCatalog } from '../catalog/stored.js';
import type { PlanDependencies } from '../catalog/wanted.js';
import type { Clock } from '../clock.js';
import type { Store } from '../store/store.js';
import { type DeviceStep, planDevices } from './plan-devices.js';
import { planUsers, type UserStep } from './plan-users.js';

export interface DocumentPlan {
  /** The version of the stored configuration that it was made against. */
  readonly version: number;
  readonly steps: readonly DocumentStep[];
}

export type DocumentStep = PlanStep | UserStep | DeviceStep;

export interface PlanningServices extends PlanDependencies {
  readonly store: Store;
  readonly clock: Clock;
}

/**
 * Plans a document.
 * @throws DocumentError with everything in the outcome that does not fit together
 */
export async function planDocument(document: CatalogDocument, services: PlanningServices): Promise<DocumentPlan> {
  return await plan(document, await readStoredCatalog(services.store), services);
}

/**
 * Plans only what the document has and the store has not: what is stored stays as its operator has made it.
 * @throws DocumentError as {@link planDocument}
 */
export async function planAdditions(document: CatalogDocument, services: PlanningServices): Promise<DocumentPlan> {
  const stored = await readStoredCatalog(services.store);
  const objects = document.objects.filter(({ kind, name }) => !stored.objects[kind].has(name));
  const credentials = await missing(document.credentials, ({ authenticationPolicy, config: { name } }) =>
    services.store.credentials.findByName({ authenticationPolicy, name }),
  );
  const users = await missing(document.users, ({ config: { name } }) => services.store.users.findByName({ name }));
  const { version, steps } = await plan({ ...document, objects, credentials, users }, stored, services);
  return { version, steps: steps.filter(({ kind, action }) => kind !== 'device' || action === 'create') };
}

async function missing<T>(wanted: readonly T[], find: (each: T) => Promise<object | undefined>): Promise<T[]> {
  const found: T[] = [];
  for (const each of wanted) {
    if ((await find(each)) === undefined) found.push(each);
  }
  return found;
}

async function plan(
  document: CatalogDocument,
  stored: StoredCatalog,
  services: PlanningServices,
): Promise<DocumentPlan> {
  const draft = await draftPlan(document, stored, services);
  const problems = [...draft.problems];
  const users = await planUsers(document.users, draft.outcome, services, problems);
  const devices = await planDevices(document.devices, draft.outcome, services, problems);
  if (problems.length > 0) {
    throw new DocumentError(
      problems.map(({ path, message }) => (path === undefined ? message : document.locate(path, message))),
    );
  }
  return { version: draft.plan.version, steps: [...draft.plan.steps, ...users, ...devices] };
}
