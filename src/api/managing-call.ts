/** Callers as those who change users and API keys. */
import type { Manager } from '../access/grants.js';
import type { Principal } from '../access/principal.js';
import type { Actor } from '../audit/actor.js';

export interface ManagingCall {
  readonly actor: Actor;
  readonly principal: Principal;
}

/** Whoever calls gives no more than the caller has. */
export function managerOf({ actor, principal: { grants } }: ManagingCall): Manager {
  return { actor, grants };
}
