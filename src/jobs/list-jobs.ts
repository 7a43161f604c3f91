/** Lists jobs by what is asked for, in pages. */
import type { JobFilter, JobOverview, JobPlace } from '../store/job-record.js';
import { type PartedPage, pageInParts } from '../store/page-in-parts.js';
import type { JobServices } from './services.js';

/** What fits fits all that is given. */
export type JobQuery = Omit<JobFilter, 'after' | 'upTo' | 'limit'>;

/** A page of at most `limit`; it looks at so many jobs and no more. */
export async function listJobs(
  query: JobQuery,
  page: { readonly after?: JobPlace | undefined; readonly limit: number },
  { store: { jobs } }: Pick<JobServices, 'store'>,
): Promise<PartedPage<JobOverview, JobPlace>> {
  return await pageInParts({
    ...page,
    partSize: 1000,
    most: 10_000,
    endOfPart: (after, size) => jobs.endOfPart(query.order, after, size),
    read: (part) => jobs.list({ ...query, ...part }),
    placeOf: ({ name, id }) => ({ name: name ?? '', id }),
  });
}
