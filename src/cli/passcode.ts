/** `gatehouse passcode`: create, list and revoke. */
import { Command } from 'commander';
import { createPasscodes } from '../catalog/passcodes.js';
import type { Core } from '../open-core.js';
import { CommandLineError } from './command-line-error.js';
import { type CreateOptions, createCommand, listCommand, readWanted, revokeCommand } from './credential-commands.js';
import { person } from './person.js';
import { readStandardInput } from './read-password.js';
import { jsonLines } from './table.js';

type PasscodeCore = Pick<Core, 'store' | 'sealing' | 'passcodeLookup' | 'clock' | 'catalog'>;
/** Runs a command against the opened data directory, and prints what it returns. */
type Run = (act: (core: PasscodeCore) => Promise<string>) => Promise<void>;

interface CreatePasscodeOptions extends CreateOptions {
  readonly username?: string;
  readonly secretStdin?: true;
}

/** @param readSecret reads a passcode that the operator has chosen: from standard input, as argument lists can be seen by others */
export function passcodeCommand(run: Run, readSecret: () => Promise<string> = readStandardInput): Command {
  return new Command('passcode')
    .description('passcodes that devices enroll with')
    .addCommand(
      createCommand(wording)
        .option('--username <name>', 'user name that has to be presented with it')
        .option('--secret-stdin', 'take the passcode from standard input instead of making one up')
        .addHelpText('after', createHelp)
        .action((options: CreatePasscodeOptions) => run((core) => create(options, core, readSecret))),
    )
    .addCommand(listCommand(wording, run))
    .addCommand(revokeCommand(wording, run));
}

const wording = {
  command: 'passcode',
  kind: 'passcode',
  noun: 'passcode',
  plural: 'passcodes',
  kept: 'the passcodes themselves are not kept',
  opens: 'enrollments',
  afterRevocation: 'what it has opened stays',
} as const;

const createHelp = `
Examples:
  gatehouse passcode create --authentication-policy quickstart --device pump-17 --uses 1 --expires 7d
  gatehouse passcode create --authentication-policy quickstart --name batch-7 --count 100 --uses 1 > passcodes.txt
  gatehouse passcode create --authentication-policy quickstart --name printed --secret-stdin < passcode.txt`;

const shortestSecret = 8;
const longestSecret = 255;

async function create(
  options: CreatePasscodeOptions,
  core: PasscodeCore,
  readSecret: () => Promise<string>,
): Promise<string> {
  const { username, count, secretStdin } = options;
  const wanted = readWanted(options, 'passcode', core);
  if (secretStdin && count > 1) {
    throw new CommandLineError('--secret-stdin gives one passcode; leave --count out');
  }
  const secret = secretStdin ? checkSecret(await readSecret()) : undefined;
  const passcodes = await createPasscodes(
    { ...wanted, ...(username === undefined ? {} : { username }), ...(secret === undefined ? {} : { secret }) },
    { ...core, actor: person() },
  );
  if (options.json) {
    return jsonLines(
      passcodes.map(({ name, passcode }) => ({ name, passcode: secret === undefined ? passcode : null })),
    );
  }
  return passcodes
    .map(({ name, passcode }) => (secret === undefined ? `${name} ${passcode}` : `${name} (as given)`))
    .join('\n');
}

function checkSecret(text: string): string {
  const secret = text.replace(/\r?\n$/, '');
  if (secret.length < shortestSecret || secret.length > longestSecret || /[\r\n\0]/.test(secret)) {
    throw new CommandLineError(`a passcode is one line of ${shortestSecret} to ${longestSecret} characters`);
  }
  return secret;
}
