/** What may be given to whom: nobody gives more than he has. */
import type { Actor } from '../audit/actor.js';
import { GatewayError, HttpError } from '../errors.js';
import { type Grant, grantsSchema, permissionsOf, type Role } from '../model/access.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { covers, type Scope, scopeOf } from './principal.js';

/** Who changes users and API keys, and what that one may do itself. */
export interface Manager {
  readonly actor: Actor;
  readonly grants: readonly Grant[];
}

/** Of everything, and for ever. */
export const everything: readonly Grant[] = [{ role: 'solution-administrator' }];

/** As the store keeps them. */
export function readGrants(text: string): readonly Grant[] {
  return grantsSchema.parse(JSON.parse(text));
}

export function isAdministrator(grants: readonly Grant[]): boolean {
  return grants.some(({ role, division }) => role === 'solution-administrator' && division === undefined);
}

/** Whether who has these grants may do all that another one lets do. */
export function coversGrant(own: readonly Grant[], { role, division }: Grant): boolean {
  return permissionsOf[role].every((permission) => covers(scopeOf({ grants: own }, permission), division));
}

/** An API key of a user is never worth more than the user is now. */
export function limitedTo(owner: readonly Grant[], grants: readonly Grant[]): readonly Grant[] {
  return grants.filter((grant) => coversGrant(owner, grant));
}

/** Whether a user or API key is there for who may look at these divisions. */
export function isVisible(scope: Scope, grants: readonly Grant[]): boolean {
  return scope === 'everywhere' || grants.some(({ division }) => division === undefined || scope.has(division));
}

/** Whether a list for who may look at these divisions has a user or API key: with this role, if one is asked for. */
export function isListed(grants: readonly Grant[], scope: Scope, role: Role | undefined): boolean {
  return isVisible(scope, grants) && (role === undefined || grants.some((grant) => grant.role === role));
}

/** @throws GatewayError `forbidden` */
export function requireGrantable(wanted: readonly Grant[], { grants }: Manager): void {
  const missing = wanted.find((grant) => !coversGrant(grants, grant));
  if (missing === undefined) return;
  throw new GatewayError('forbidden', `you cannot give the role ${describeGrant(missing)}: it may do more than you`);
}

/** @throws GatewayError `forbidden` */
export function requireRightOver(what: string, present: readonly Grant[], { grants }: Manager): void {
  if (present.every((grant) => coversGrant(grants, grant))) return;
  throw new GatewayError('forbidden', `you cannot change ${what}, which may do more than you`);
}

/** @throws HttpError 422 for a division that there is none of */
export function requireDivisions(wanted: readonly Grant[], divisions: ReadonlyMap<string, unknown>): void {
  for (const { division } of wanted) {
    if (division === undefined || divisions.has(division)) continue;
    throw new HttpError(422, 'malformed-request', `there is no division ${division}; make it first`);
  }
}

/** Refuse a change that gives them if one of the divisions was removed meanwhile. */
export function divisionGuards(wanted: readonly Grant[], { catalog }: Pick<Store, 'catalog'>): Statement[] {
  const divisions = new Set(wanted.flatMap(({ division }) => division ?? []));
  return [...divisions].map((name) => catalog.requireStill({ kind: 'division', name }));
}

/** `role`, or `role of division`. */
export function describeGrant({ role, division }: Grant): string {
  return division === undefined ? role : `${role} of ${division}`;
}

/** For audit events: the division that all of it is about, if there is one. */
export function divisionOf(grants: readonly Grant[]): { readonly division?: string } {
  const [first] = grants;
  if (first?.division === undefined || grants.some(({ division }) => division !== first.division)) return {};
  return { division: first.division };
}
