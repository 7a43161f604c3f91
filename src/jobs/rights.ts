/** Whether a job may go on: whoever it runs for has to be somebody who could submit it now. */
import { covers, scopeOf } from '../access/principal.js';
import { findStanding, type Standing } from '../access/standing.js';
import type { Actor } from '../audit/actor.js';
import type { JobRecord } from '../store/job-record.js';
import type { JobKind } from './job-kind.js';
import type { JobServices } from './services.js';

/** Why it may not, for people; undefined if it may. */
export type RightsCheck = (job: JobRecord, kind: JobKind) => Promise<string | undefined>;

/** Looks everybody up once: to be made anew whenever jobs are looked at. */
export function createRightsCheck(services: Pick<JobServices, 'store' | 'clock'>): RightsCheck {
  const standings = new Map<string, Standing>();

  async function standingOf(actor: Actor): Promise<Standing> {
    const key = actor.apiKey ?? actor.person;
    const standing = standings.get(key) ?? (await findStanding(actor, services));
    standings.set(key, standing);
    return standing;
  }

  return async ({ runsFor, division }, { permission }) => {
    const actor: Actor = JSON.parse(runsFor);
    const { grants, problem } = await standingOf(actor);
    const missing = (['job:write', permission] as const).find((each) => !covers(scopeOf({ grants }, each), division));
    if (missing === undefined) return undefined;
    const why = problem ?? `${actor.name} has not got the permission ${missing} in division ${division} any more`;
    return `${why}; who may submit such a job can resume it, in their own name`;
  };
}
