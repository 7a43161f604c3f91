/** Options that select certificates in place of a file that names them. */
import type { Command } from 'commander';
import { parseMoment, parseTime } from './arguments.js';
import { given } from './submit.js';

export interface SelectOptions {
  readonly selectGroup?: string;
  readonly selectPolicy?: string;
  readonly selectProfile?: string;
  readonly selectIssuer?: string;
  readonly issuedBefore?: string;
  readonly expiresBefore?: string;
}

export function addSelectOptions(command: Command): Command {
  return command
    .option('--select-group <name>', 'those of the devices in this group')
    .option('--select-policy <name>', 'those issued under this policy')
    .option('--select-profile <name>', 'those of this certificate profile')
    .option('--select-issuer <generation>', 'those of this CA generation, such as quickstart-ec-1')
    .option('--issued-before <time>', 'those issued before, such as 2026-01-31T12:00:00Z')
    .option('--expires-before <time>', 'those that end before: a duration from now, such as 30d, or a time');
}

/** Undefined where none is given. */
export function selectionOf(options: SelectOptions, now: Date): object | undefined {
  const { selectGroup, selectPolicy, selectProfile, selectIssuer, issuedBefore, expiresBefore } = options;
  const selection = given({
    group: selectGroup,
    policy: selectPolicy,
    profile: selectProfile,
    issuer: selectIssuer,
    issuedBefore: issuedBefore === undefined ? undefined : parseTime(issuedBefore).toISOString(),
    expiresBefore: expiresBefore === undefined ? undefined : parseMoment(expiresBefore, now).toISOString(),
  });
  return Object.keys(selection).length === 0 ? undefined : selection;
}
