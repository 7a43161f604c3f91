/** Who runs a command, for the audit log and wherever two people have to be different. */
import { userInfo } from 'node:os';
import type { Actor } from '../audit/actor.js';

export function person(): Actor {
  const { username } = userInfo();
  return { name: `command line (${username})`, person: `command line:${username}` };
}
