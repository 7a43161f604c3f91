/** Creates and changes single objects of the configuration, by the same plan as a document's. */
import { isDeepStrictEqual } from 'node:util';
import type { Actor } from '../audit/actor.js';
import type { Clock } from '../clock.js';
import type { Store } from '../store/store.js';
import { applyPlan } from './apply.js';
import { changedMeanwhile } from './credentials.js';
import { inTurn } from './in-turn.js';
import type { CatalogKind, CatalogObject } from './objects.js';
import { planWanted } from './plan.js';
import { applyRemoval, planRemoval, type RemovalDependencies } from './remove.js';
import { readStoredCatalog } from './stored.js';
import type { PlanDependencies } from './wanted.js';

export interface EditDependencies extends PlanDependencies, RemovalDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly actor: Actor;
}

export interface Edit {
  readonly kind: CatalogKind;
  readonly name: string;
  /**
   * What it is to be, with an empty path, seeing what it is: undefined where there is none. It throws what refuses the edit, and is
   * called again where something else was changed meanwhile.
   */
  change(current: CatalogObject | undefined): CatalogObject;
  /** Whether who edits may know of an object; of all, if absent. */
  readonly isVisible?: ((object: CatalogObject) => boolean) | undefined;
}

/**
 * Edits one object, and returns what it has become.
 * @throws MisfitError; HttpError 412 when the object itself was changed meanwhile; what `change` throws
 */
export async function editObject(
  { kind, name, change, isVisible }: Edit,
  dependencies: EditDependencies,
): Promise<CatalogObject> {
  let seen: CatalogObject | undefined;
  return await inTurn(dependencies.store, async () => {
    const stored = await readStoredCatalog(dependencies.store);
    const current: CatalogObject | undefined = stored.objects[kind].get(name);
    if (seen !== undefined && !isDeepStrictEqual(seen.written, current?.written)) throw changedMeanwhile();
    seen = current;
    const object = change(current);
    const plan = await planWanted({ objects: [object], credentials: [] }, stored, dependencies, isVisible);
    await applyPlan(plan, dependencies);
    return object;
  });
}

/**
 * Removes one object.
 * @param check throws what refuses the removal
 * @throws GatewayError as planRemoval does
 */
export async function removeObject(
  { kind, name, check }: Pick<Edit, 'kind' | 'name'> & { check(object: CatalogObject): void },
  dependencies: EditDependencies,
): Promise<void> {
  await inTurn(dependencies.store, async () => {
    await applyRemoval(await planRemoval(kind, name, dependencies, check), dependencies);
  });
}
