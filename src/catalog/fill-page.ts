/** Fills a page of a sorted list with what fits, looking at no more than so many. */
import { setImmediate } from 'node:timers/promises';

export interface PageWish<Item, Place> {
  /** The place of the last one of the page before; absent for the first page. */
  readonly after?: Place | undefined;
  readonly limit: number;
  fits(item: Item): boolean;
}

export interface FilledPage<Item, Place> {
  readonly items: readonly Item[];
  /** The place to go on after, where there may be more. */
  readonly next?: Place;
}

/**
 * The page may be short where many do not fit.
 * @param read the next ones in order, at most `batchSize` after a place; fewer tell that there are no more
 */
export async function fillPage<Item, Place>(
  { after, limit, fits, placeOf }: PageWish<Item, Place> & { placeOf(item: Item): Place },
  read: (after: Place | undefined) => Promise<{ readonly items: readonly Item[]; readonly isEnd: boolean }>,
): Promise<FilledPage<Item, Place>> {
  const page: Item[] = [];
  let last = after;
  for (let batch = 0; batch < mostBatches; batch++) {
    const { items, isEnd } = await read(last);
    for (const item of items) {
      const isFitting = fits(item);
      const end = page.at(-1);
      // Not the place of one that does not fit: it may be nothing for who reads the page.
      if (isFitting && end !== undefined && page.length === limit) return { items: page, next: placeOf(end) };
      if (isFitting) page.push(item);
      last = placeOf(item);
    }
    if (isEnd) return { items: page };
    // Reads answer at once: without a pause nobody else would have a turn.
    await setImmediate();
  }
  return { items: page, ...(last === undefined ? {} : { next: last }) };
}

export const batchSize = 500;
const mostBatches = 10;
