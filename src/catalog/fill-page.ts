/** Fills a page by name with what fits, looking at no more than so many. */

export interface PageWish<Item> {
  /** The last name of the page before; empty for the first. */
  readonly after: string;
  readonly limit: number;
  fits(item: Item): boolean;
}

export interface FilledPage<Item> {
  readonly items: readonly Item[];
  /** The name to go on after, where there may be more. */
  readonly next?: string;
}

/**
 * The page may be short where many do not fit.
 * @param read the next ones by name, at most `batchSize` after a name; fewer tell that there are no more
 */
export async function fillPage<Item extends { readonly name: string }>(
  { after, limit, fits }: PageWish<Item>,
  read: (after: string) => Promise<{ readonly items: readonly Item[]; readonly isEnd: boolean }>,
): Promise<FilledPage<Item>> {
  const page: Item[] = [];
  let last = after;
  for (let batch = 0; batch < mostBatches; batch++) {
    const { items, isEnd } = await read(last);
    for (const item of items) {
      const isFitting = fits(item);
      // Not the name of one that does not fit: it may be nothing for who reads the page.
      if (isFitting && page.length === limit) return { items: page, next: page.at(-1)?.name ?? after };
      if (isFitting) page.push(item);
      last = item.name;
    }
    if (isEnd) return { items: page };
  }
  return { items: page, next: last };
}

export const batchSize = 500;
const mostBatches = 10;
