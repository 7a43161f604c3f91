/** The configuration as it stands in the store. */
import type { Store } from '../store/store.js';
import { builtInTemplates } from './built-in-templates.js';
import { type CatalogKind, type CatalogObject, type CatalogObjects, catalogKinds, collectObjects } from './objects.js';
import { DocumentError } from './problem.js';
import { formatPath } from './schema-issue.js';

export interface StoredCatalog {
  readonly version: number;
  /** The built-in templates among them. */
  readonly objects: CatalogObjects;
}

/** @throws DocumentError if a stored object does not fit this version of the gateway */
export async function readStoredCatalog(store: Pick<Store, 'catalog'>): Promise<StoredCatalog> {
  // The version first: a change in between makes the objects newer than it, so that a guard on it refuses.
  const version = await store.catalog.version();
  const items = await store.catalog.items();
  const stored = items.map(({ kind, name, document }) => readObject(kind, name, document));
  // Last, so that an operator's template goes on where a later version has a built-in one of its name.
  return { version, objects: collectObjects([...builtInTemplates(), ...stored]) };
}

/** @throws DocumentError if it does not fit this version of the gateway */
export function readObject(kind: string, name: string, document: string): CatalogObject {
  if (!isKind(kind)) {
    throw new DocumentError([`stored ${kind} "${name}": this version of the gateway does not know this kind`]);
  }
  const written = JSON.parse(document);
  const parsed = catalogKinds[kind].schema.safeParse(written);
  if (!parsed.success) {
    throw new DocumentError(
      parsed.error.issues.map(({ path, message }) => {
        const place = formatPath(path.map((step) => (typeof step === 'symbol' ? String(step) : step)));
        return `stored ${kind} "${name}" does not fit this version of the gateway: ${place}: ${message}`;
      }),
    );
  }
  return { kind, name, written, value: parsed.data };
}

function isKind(kind: string): kind is CatalogKind {
  return Object.hasOwn(catalogKinds, kind);
}
