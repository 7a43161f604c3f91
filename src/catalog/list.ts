/** Reads stored objects of one kind: one, or a page of them. */
import type { Store } from '../store/store.js';
import { builtInTemplates } from './built-in-templates.js';
import { batchSize, type FilledPage, fillPage, type PageWish } from './fill-page.js';
import type { CatalogKind, CatalogObject } from './objects.js';
import { readObject } from './stored.js';

/** A page by name. It may be short where many do not fit. */
export async function listObjects(
  { kind, ...wish }: PageWish<CatalogObject> & { readonly kind: CatalogKind },
  { catalog }: Pick<Store, 'catalog'>,
): Promise<FilledPage<CatalogObject>> {
  return await fillPage(wish, async (after) => {
    const documents = await catalog.ofKind({ kind, after, limit: batchSize });
    const isEnd = documents.length < batchSize;
    const through = isEnd ? undefined : documents.at(-1)?.name;
    const stored = documents.map((item) => readObject(item.kind, item.name, item.document));
    return { items: withBuiltIn(kind, stored, after, through), isEnd };
  });
}

export async function findObject(
  kind: CatalogKind,
  name: string,
  { catalog }: Pick<Store, 'catalog'>,
): Promise<CatalogObject | undefined> {
  const item = await catalog.find({ kind, name });
  if (item !== undefined) return readObject(kind, name, item.document);
  return kind === 'template' ? builtInTemplates().find((template) => template.name === name) : undefined;
}

/** Those that come with the gateway, in their places. */
function withBuiltIn(
  kind: CatalogKind,
  stored: readonly CatalogObject[],
  after: string,
  through: string | undefined,
): readonly CatalogObject[] {
  if (kind !== 'template') return stored;
  const names = new Set(stored.map(({ name }) => name));
  const further = builtInTemplates().filter(
    ({ name }) => name > after && (through === undefined || name <= through) && !names.has(name),
  );
  return [...stored, ...further].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
