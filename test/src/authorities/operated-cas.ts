/** CAs in a store of their own, for acts on them; with a clock that tests set. */
import type { AuthorityServices } from '../../../src/authorities/services.js';
import { createLog } from '../../../src/log.js';
import type { Store } from '../../../src/store/store.js';
import { createWorld, type TestWorld } from '../ca/test-hierarchy.js';
import { withStore } from '../store/temporary-store.js';

export const operator = { name: 'operator', person: 'operator' };

export interface OperatedCas extends AuthorityServices {
  readonly world: TestWorld;
  /** The database. */
  readonly file: string;
  /** Another process on the same data. */
  another(): AuthorityServices;
  ensure(): Promise<readonly string[]>;
}

/** Runs `work` in a new store where the configured CAs have been made as far as they can. */
export async function withCas(documents: readonly object[], work: (cas: OperatedCas) => Promise<void>): Promise<void> {
  await withStore(async (store, file) => {
    const world = createWorld(documents);
    const node = world.node(store);
    await node.ensure();
    const another = () => servicesOf(world, store);
    await work({ ...servicesOf(world, store, node), world, file, another, ensure: node.ensure });
  });
}

function servicesOf(world: TestWorld, store: Store, node = world.node(store)): AuthorityServices {
  const catalog = () => ({ certificateAuthorities: world.configs, policies: new Map() });
  const { keys: caKeys, ...rest } = node;
  return { ...rest, caKeys, clock: world.clock, log: createLog('silent'), catalog, isCompromisedKey: () => false };
}

/** The code of what is thrown; `done` where nothing is. */
export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : `unexpected ${error}`),
  );
}

export async function actionsOf({ store }: Pick<OperatedCas, 'store'>): Promise<readonly string[]> {
  const events = await store.audit.list({ limit: 1000 });
  return events.map(({ action }) => action);
}
