/** `gatehouse certificate replace`: has the holders of certificates renew them before their time. */
import { Command, type Option } from 'commander';
import { z } from 'zod';
import { planReplacement } from '../enrollment/plan-replacement.js';
import type { Core } from '../open-core.js';
import type { ReplacementSelection } from '../store/certificate-replacement.js';
import { parseMoment, parseTime, requireKnown } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { findOne } from './find-certificate.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

interface ReplaceOptions {
  readonly by?: string;
  readonly cancel?: true;
  readonly explanationUrl?: string;
  readonly issuer?: string;
  readonly policy?: string;
  readonly profile?: string;
  readonly issuingCa?: string;
  readonly issuedBefore?: string;
  readonly json?: true;
}

/** @param issuer the option that tells serial numbers of two CAs apart */
export function replaceCommand(run: RunWithCore, issuer: Option): Command {
  return new Command('replace')
    .description('have certificates replaced: ACME clients that ask for renewal information learn of it')
    .argument('[serial]', 'one certificate, by its serial number in hex')
    .addOption(issuer)
    .option('--by <time>', 'until when: a duration from now, such as 3d, or a time such as 2026-01-31T12:00:00Z')
    .option('--cancel', 'take the plan back')
    .option('--explanation-url <url>', 'a page that tells holders why')
    .option('--policy <name>', 'those issued under this policy')
    .option('--profile <name>', 'those of this certificate profile')
    .option('--issuing-ca <generation>', 'those of this CA generation, such as quickstart-ec-1')
    .option('--issued-before <time>', 'those issued before, such as 2026-01-31T12:00:00Z')
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action((serial: string | undefined, options: ReplaceOptions) => run((core) => replace(serial, options, core)));
}

const examples = `
Certificates that fit all conditions are marked, as far as they are valid now. Nothing is sent or revoked.

Examples:
  gatehouse certificate replace --by 3d --issuing-ca quickstart-ec-1 --explanation-url https://ca.example.com/move
  gatehouse certificate replace --by 2026-02-01T00:00:00Z --policy servers --issued-before 2026-01-15T09:00:00Z
  gatehouse certificate replace --by 1h 4f3a…
  gatehouse certificate replace --cancel --policy servers`;

async function replace(serial: string | undefined, options: ReplaceOptions, core: Core): Promise<string> {
  const { cancel, explanationUrl } = options;
  if ((options.by === undefined) === (cancel === undefined)) {
    throw new CommandLineError('give either --by, with the time until when they are to be replaced, or --cancel');
  }
  const by = options.by === undefined ? undefined : parseDeadline(options.by, core.clock.now());
  if (explanationUrl !== undefined) requireUrl(explanationUrl);
  const count = await planReplacement(
    {
      selection: await readSelection(serial, options, core),
      actor: person(),
      ...(by === undefined ? {} : { by }),
      ...(explanationUrl === undefined ? {} : { explanationUrl }),
    },
    core,
  );
  if (options.json) return jsonLines([{ certificates: count, replaceBy: by?.toISOString() ?? null }]);
  const certificates = count === 1 ? '1 certificate' : `${count} certificates`;
  if (by === undefined) return `${certificates} need not be replaced any more`;
  return `${certificates} to be replaced by ${by.toISOString()}`;
}

function parseDeadline(text: string, now: Date): Date {
  const by = parseMoment(text, now);
  if (by <= now) throw new CommandLineError(`${text} is not in the future; give clients some time, such as --by 1h`);
  return by;
}

function requireUrl(text: string): void {
  if (!z.url({ protocol: /^https?$/ }).safeParse(text).success) {
    throw new CommandLineError(`${text} is not a URL such as https://ca.example.com/why`);
  }
}

async function readSelection(
  serial: string | undefined,
  { issuer, policy, profile, issuingCa, issuedBefore }: ReplaceOptions,
  core: Core,
): Promise<ReplacementSelection> {
  const { policies, profiles } = core.catalog();
  const generations = core.authority.generations().map(({ id }) => id);
  requireKnown('policy', policy, [...policies.keys()]);
  requireKnown('profile', profile, [...profiles.keys()]);
  requireKnown('CA generation', issuingCa, generations);
  const selection = {
    ...(serial === undefined ? {} : { id: (await findOne(serial, issuer, core)).id }),
    ...(policy === undefined ? {} : { policy }),
    ...(profile === undefined ? {} : { profile }),
    ...(issuingCa === undefined ? {} : { issuerId: issuingCa }),
    ...(issuedBefore === undefined ? {} : { issuedBefore: parseTime(issuedBefore).getTime() }),
  };
  if (Object.keys(selection).length > 0) return selection;
  throw new CommandLineError(
    'say which certificates: a serial number, --policy, --profile, --issuing-ca or --issued-before',
  );
}
