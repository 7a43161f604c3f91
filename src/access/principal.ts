/** Who has authenticated to the management API, and what that lets it do. */
import type { Actor } from '../audit/actor.js';
import { type Grant, type Permission, permissionsOf } from '../model/access.js';

export interface Principal {
  readonly kind: 'api-key' | 'user';
  readonly id: string;
  readonly name: string;
  /** `user:<id>` also for an API key that belongs to a user; see Actor.person. */
  readonly person: string;
  readonly grants: readonly Grant[];
}

/** Where a permission holds: in every division and for what belongs to none, or in the divisions named. */
export type Scope = 'everywhere' | ReadonlySet<string>;

/** An empty set where the principal has not got the permission at all. */
export function scopeOf({ grants }: Pick<Principal, 'grants'>, permission: Permission): Scope {
  const fitting = grants.filter(({ role }) => permissionsOf[role].includes(permission));
  if (fitting.some(({ division }) => division === undefined)) return 'everywhere';
  return new Set(fitting.flatMap(({ division }) => division ?? []));
}

/** @param division undefined for what belongs to no division */
export function covers(scope: Scope, division: string | undefined): boolean {
  return scope === 'everywhere' || (division !== undefined && scope.has(division));
}

const nouns = { 'api-key': 'API key', user: 'user' } as const;

export function actorOf(
  { kind, id, name, person }: Principal,
  from: Pick<Actor, 'remoteAddress' | 'requestId'>,
): Actor {
  return { name: `${nouns[kind]} ${name}`, person, ...(kind === 'api-key' ? { apiKey: id } : {}), ...from };
}
