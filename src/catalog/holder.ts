/** Holds the current snapshot of the configuration, and swaps it when somebody, on any node, has changed it. */
import type { Store } from '../store/store.js';
import type { Catalog } from './catalog.js';
import { type CompiledProfiles, loadCatalog } from './load.js';

export interface CatalogHolder {
  /** The snapshot; whoever works on one request takes it once. */
  current(): Catalog;
  /** Looks at once whether it has changed, and says whether it was swapped. @throws as loading does; the old snapshot stays */
  refresh(): Promise<boolean>;
  close(): void;
}

interface HolderDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials'>;
  readonly log: {
    info(details: object, message: string): void;
    error(details: object, message: string): void;
  };
  readonly intervalMilliseconds?: number;
}

/** Loads the configuration and looks for a new version of it from then on, every second by default. */
export async function createCatalogHolder({
  store,
  log,
  intervalMilliseconds = 1_000,
}: HolderDependencies): Promise<CatalogHolder> {
  const compiled: CompiledProfiles = new Map();
  let catalog = await loadCatalog(store, compiled);
  let running: Promise<boolean> | undefined;
  let lastProblem: string | undefined;

  async function swapIfChanged(): Promise<boolean> {
    if ((await store.catalog.version()) === catalog.version) {
      return false;
    }
    catalog = await loadCatalog(store, compiled);
    lastProblem = undefined;
    log.info({ version: catalog.version }, 'configuration changed');
    return true;
  }

  // One at a time: two could otherwise finish in the wrong order and put an older snapshot back.
  function refresh(): Promise<boolean> {
    const previous = running?.catch(() => false) ?? Promise.resolve(false);
    const next = previous.then(swapIfChanged);
    running = next;
    return next;
  }

  const timer = setInterval(() => {
    refresh().catch((error: unknown) => {
      const problem = String(error);
      if (problem !== lastProblem) {
        lastProblem = problem;
        log.error({ err: error }, 'configuration cannot be loaded; the previous one stays in use');
      }
    });
  }, intervalMilliseconds);
  timer.unref();

  return { current: () => catalog, refresh, close: () => clearInterval(timer) };
}
