/** What somebody may do now who was let in before: for work that goes on when the request that began it has ended. */
import type { Actor } from '../audit/actor.js';
import type { Clock } from '../clock.js';
import type { Grant } from '../model/access.js';
import type { Store } from '../store/store.js';
import { everything, readGrants } from './grants.js';
import { grantsOfApiKey, judgeApiKey } from './verify-api-key.js';

export interface Standing {
  readonly grants: readonly Grant[];
  /** Why there are none, for people. */
  readonly problem?: string;
}

interface Services {
  readonly store: Pick<Store, 'users' | 'apiKeys'>;
  readonly clock: Clock;
}

/** Whoever has the command line may do everything, as ever; who is of no kind that is known may do nothing. */
export async function findStanding(actor: Actor, services: Services): Promise<Standing> {
  const { name, person, apiKey } = actor;
  const separator = person.indexOf(':');
  const kind = person.slice(0, separator);
  const id = person.slice(separator + 1);
  if (apiKey !== undefined || kind === 'api-key') return await ofApiKey(apiKey ?? id, name, services);
  if (kind === 'user') return await ofUser(id, name, services);
  if (kind === 'command line') return { grants: everything };
  return { grants: [], problem: `it is not known who ${name} is` };
}

async function ofApiKey(id: string, name: string, { store, clock }: Services): Promise<Standing> {
  const record = await store.apiKeys.findById({ id });
  if (record === undefined) return { grants: [], problem: `${name} is not there any more` };
  const { problem } = judgeApiKey(record, clock.now());
  return problem === undefined ? { grants: grantsOfApiKey(record) } : { grants: [], problem };
}

async function ofUser(id: string, name: string, { store }: Services): Promise<Standing> {
  const user = await store.users.findById({ id });
  if (user === undefined) return { grants: [], problem: `${name} is deleted` };
  return user.enabled === 1 ? { grants: readGrants(user.grants) } : { grants: [], problem: `${name} is disabled` };
}
