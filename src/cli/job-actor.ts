/** Who submits and changes jobs from the command line. */
import type { Actor } from '../audit/actor.js';
import { person } from './person.js';

export function jobActor(): Actor {
  const name = person();
  return { name, person: name };
}
