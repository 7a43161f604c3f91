/** Reads stored objects of one kind: one, or a page of them. */
import { type NamedOrder, type NamedPlace, namedPlaceOf } from '../store/named-order.js';
import type { Store } from '../store/store.js';
import { builtInTemplates } from './built-in-templates.js';
import { batchSize, type FilledPage, fillPage, type PageWish } from './fill-page.js';
import type { CatalogKind, CatalogObject } from './objects.js';
import { readObject } from './stored.js';

export interface ObjectsWish extends PageWish<CatalogObject, NamedPlace> {
  readonly kind: CatalogKind;
  readonly order: ObjectOrder;
}
export type ObjectOrder = NamedOrder<'updatedAt'>;

/** It may be short where many do not fit. */
export async function listObjects(
  { kind, order, after, limit, fits }: ObjectsWish,
  { catalog }: Pick<Store, 'catalog'>,
): Promise<FilledPage<CatalogObject, NamedPlace>> {
  const wish = { after, limit, fits: ({ object }: Listed) => fits(object), placeOf: ({ place }: Listed) => place };
  const { items, ...page } = await fillPage(wish, async (last) => {
    const documents = await catalog.ofKind({ kind, order, ...(last ? { after: last } : {}), limit: batchSize });
    const stored = documents.map((item) => ({
      object: readObject(item.kind, item.name, item.document),
      place: namedPlaceOf(item, order),
    }));
    const isEnd = documents.length < batchSize;
    const through = isEnd ? undefined : stored.at(-1)?.place;
    return {
      items: kind === 'template' ? await withBuiltIn(stored, { order, after: last, through }, catalog) : stored,
      isEnd,
    };
  });
  return { ...page, items: items.map(({ object }) => object) };
}

/** Whether its name or description has a text, in upper or lower case. */
export function hasText({ name, value: { description = '' } }: CatalogObject, text: string): boolean {
  const wanted = text.toLowerCase();
  return name.toLowerCase().includes(wanted) || description.toLowerCase().includes(wanted);
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

interface Listed {
  readonly object: CatalogObject;
  readonly place: NamedPlace;
}

interface Stretch {
  readonly order: ObjectOrder;
  readonly after: NamedPlace | undefined;
  readonly through: NamedPlace | undefined;
}

/** Those that come with the gateway, in their places: by time they are the oldest. An operator's template goes before one of its name. */
async function withBuiltIn(
  stored: readonly Listed[],
  { order, after, through }: Stretch,
  catalog: Store['catalog'],
): Promise<readonly Listed[]> {
  const places = builtInTemplates().map((object) => ({
    object,
    place: namedPlaceOf({ name: object.name, updatedAt: 0 }, order),
  }));
  const within = places.filter(
    ({ place }) =>
      (after === undefined || compare(place, after, order) > 0) &&
      (through === undefined || compare(place, through, order) <= 0),
  );
  const taken = await Promise.all(within.map(({ object: { name } }) => catalog.find({ kind: 'template', name })));
  const further = within.filter((_, index) => taken[index] === undefined);
  return [...stored, ...further].toSorted((a, b) => compare(a.place, b.place, order));
}

function compare(a: NamedPlace, b: NamedPlace, { descending }: ObjectOrder): number {
  const order = compareValues(a.value, b.value) || compareValues(a.name, b.name);
  return descending ? -order : order;
}

/** Names are ASCII, and so compare as the database has it. */
function compareValues(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
