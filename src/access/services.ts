/** What users and API keys are managed with. */
import type { Catalog } from '../catalog/catalog.js';
import type { Clock } from '../clock.js';
import { GatewayError, HttpError, OvertakenError } from '../errors.js';
import type { Change, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { forever } from '../store/user-repository.js';

export interface AccessServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly catalog: () => Pick<Catalog, 'divisions'>;
}

/**
 * Commits a change of users or API keys.
 * @throws HttpError 412 when somebody else was first; GatewayError `invalid-state` when nobody could administer any more
 */
export async function commitAccess(change: Change, { store }: Pick<AccessServices, 'store'>): Promise<void> {
  try {
    await store.commit(change);
  } catch (error) {
    if (error instanceof OvertakenError) {
      throw new HttpError(412, 'invalid-state', 'it was changed meanwhile; read it again');
    }
    if (error instanceof GatewayError && error.code === 'invalid-state') {
      throw noAdministratorLeft(error);
    }
    throw error;
  }
}

/**
 * The guard of a change that takes a solution administrator of everything away. One who can act has to be left; where somebody can
 * without an end, such a one: what expires by itself would leave nobody one day.
 */
export async function administratorGuard({
  store,
  clock,
}: Pick<AccessServices, 'store' | 'clock'>): Promise<Statement> {
  const lasting = await store.users.findAdministered({ until: forever });
  return store.users.requireAdministrator({ until: lasting ? forever : clock.now().getTime() });
}

/** In place of what the guard of the last administrator says. */
export function noAdministratorLeft(cause: unknown): GatewayError {
  return new GatewayError(
    'invalid-state',
    'nobody would be left to administer the gateway; first make another solution administrator, who has a password or an API key that does not expire',
    { cause },
  );
}
