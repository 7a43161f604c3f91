/** Pages of a job's rows, bounded in octets as well: a thousand rows may be megabytes, or hundreds of them. */
import type { JobRowFilter, ShownJobRow } from '../store/job-row-repository.js';
import type { JobServices } from './services.js';

export interface JobRowPage {
  /** At least one, if there are any left. */
  readonly rows: readonly ShownJobRow[];
  /** Whether there are no more after these. */
  readonly isLast: boolean;
}

/** Read and written as JSON in some tens of milliseconds. */
const mostOctets = 1_048_576;

/** A page of at most `limit` rows, from the first on unless asked otherwise. */
export async function pageOfRows(
  { limit, ...filter }: JobRowFilter,
  { store }: Pick<JobServices, 'store'>,
): Promise<JobRowPage> {
  const sizes = await store.jobRows.sizes({ ...filter, limit: limit + 1 });
  const fitting = Math.min(limit, Math.max(1, countFitting(sizes)));
  return { rows: await store.jobRows.list({ ...filter, limit: fitting }), isLast: sizes.length <= fitting };
}

/** How many of the first take no more octets than a page may have. */
function countFitting(sizes: readonly { readonly octets: number }[]): number {
  let sum = 0;
  const end = sizes.findIndex(({ octets }) => {
    sum += octets;
    return sum > mostOctets;
  });
  return end < 0 ? sizes.length : end;
}
