/** Who changes things in tests. */
import type { Actor } from '../../src/audit/actor.js';

export const testActor: Actor = { name: 'test', person: 'test' };
