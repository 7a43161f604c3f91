/** People who manage a gateway in tests. */
import type { Actor } from '../../src/audit/actor.js';
import type { Decision } from '../../src/enrollment/approving.js';

export const testActor: Actor = { name: 'test', person: 'test' };

/** Somebody at the management API. */
export const alice: Actor = {
  name: 'user alice',
  person: 'user:alice',
  remoteAddress: '192.0.2.9',
  requestId: 'request-1',
};

export function operator(name: string): Actor {
  return { name, person: name };
}

/** What a person decides about a request. */
export function by(name: string, comment?: string): Decision {
  return { actor: operator(name), ...(comment === undefined ? {} : { comment }) };
}
