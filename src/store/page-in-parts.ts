/** Pages of lists that only a part of what there is fits: looked at part by part, with others' turns in between. */
import { setImmediate } from 'node:timers/promises';

export interface PartedList<Item, Place> {
  /** Where the page before ended. */
  readonly after?: Place | undefined;
  readonly limit: number;
  /** How many are looked at in one go, and how many for a page. */
  readonly partSize: number;
  readonly most: number;
  /** Where so many of them end; undefined if there are no more. */
  endOfPart(after: Place | undefined, size: number): Promise<Place | undefined>;
  /** Those of a part that fit, in order; no more than `limit` are needed. */
  read(part: Part<Place>): Promise<readonly Item[]>;
  placeOf(item: Item): Place;
}

/** What comes after `after`, up to and with `upTo`. */
export interface Part<Place> {
  readonly after?: Place;
  readonly upTo?: Place;
  readonly limit: number;
}

export interface PartedPage<Item, Place> {
  /** Fewer than the limit, or none, also where more follow. */
  readonly items: readonly Item[];
  /** Where the next page begins, if there may be one. */
  readonly next?: Place;
}

export async function pageInParts<Item, Place>({
  after,
  limit,
  partSize,
  most,
  endOfPart,
  read,
  placeOf,
}: PartedList<Item, Place>): Promise<PartedPage<Item, Place>> {
  const found: Item[] = [];
  let last = after;
  for (let looked = 0; looked < most; looked += partSize) {
    const upTo = await endOfPart(last, partSize);
    const part = { ...(last === undefined ? {} : { after: last }), ...(upTo === undefined ? {} : { upTo }) };
    found.push(...(await read({ ...part, limit: limit + 1 - found.length })));
    if (found.length > limit || upTo === undefined) return cutPage(found, limit, placeOf);
    last = upTo;
    await setImmediate();
  }
  return { items: found, ...(last === undefined ? {} : { next: last }) };
}

/** Of what was found, more than the limit where there is a next page. */
export function cutPage<Item, Place>(
  found: readonly Item[],
  limit: number,
  placeOf: (item: Item) => Place,
): PartedPage<Item, Place> {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, ...(last === undefined ? {} : { next: placeOf(last) }) };
}
