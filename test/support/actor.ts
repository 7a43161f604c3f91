/** Somebody who manages the gateway in a test. */
import type { Actor } from '../../src/audit/actor.js';

export const operator: Actor = {
  name: 'user alice',
  person: 'user:alice',
  remoteAddress: '192.0.2.9',
  requestId: 'request-1',
};

export const testActor: Actor = { name: 'test', person: 'test' };
