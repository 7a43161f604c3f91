/** Who runs a command, for the audit log and wherever two people have to be different. */
import { userInfo } from 'node:os';
import type { Actor } from '../audit/actor.js';

/** @param name the person that decides, where that is not the user of the operating system */
export function person(name?: string): Actor {
  const { username } = userInfo();
  const shown = name === undefined || name === username ? username : `${username}, as ${name}`;
  return { name: `command line (${shown})`, person: `command line:${name ?? username}` };
}
