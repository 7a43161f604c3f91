/** `gatehouse passcode`: create, list and revoke. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { createPasscodes, listPasscodes, revokePasscode } from '../catalog/passcodes.js';
import { durationSchema } from '../model/duration.js';
import { nameSchema } from '../model/label.js';
import type { Core } from '../open-core.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { CommandLineError } from './command-line-error.js';

type PasscodeCore = Pick<Core, 'store' | 'passcodeLookup' | 'clock' | 'catalog'>;
/** Runs a command against the opened data directory, and prints what it returns. */
type Run = (act: (core: PasscodeCore) => Promise<string>) => Promise<void>;

interface CreateOptions {
  readonly authenticationPolicy: string;
  readonly name?: string;
  readonly username?: string;
  readonly uses?: number;
  readonly expires?: number;
  readonly device?: string;
  readonly count: number;
  readonly secretStdin?: true;
}

/** @param readSecret reads a passcode that the operator has chosen: from standard input, as argument lists can be seen by others */
export function passcodeCommand(run: Run, readSecret: () => Promise<string> = readStandardInput): Command {
  const command = new Command('passcode').description('passcodes that devices enroll with');
  const policyOption = ['--authentication-policy <name>', 'the authentication policy that it is for'] as const;

  command
    .command('create')
    .description('make passcodes and print each once, with its name')
    .requiredOption(...policyOption)
    .option('--name <name>', 'name to list and revoke it by; made up if not given', parseName)
    .option('--username <name>', 'user name that has to be presented with it')
    .option('--uses <number>', 'how many enrollments it may open; any number if not given', parseCount)
    .option('--expires <duration>', 'how long it is valid, such as 12h or 7d; for ever if not given', parseDuration)
    .option('--device <name>', 'the only device that it may be used for')
    .option('--count <number>', 'how many to make', parseCount, 1)
    .option('--secret-stdin', 'take the passcode from standard input instead of making one up')
    .addHelpText('after', createHelp)
    .action((options: CreateOptions) => run((core) => create(options, core, readSecret)));

  command
    .command('list')
    .description('list passcodes; the passcodes themselves are not kept')
    .requiredOption(...policyOption)
    .action(({ authenticationPolicy }: { authenticationPolicy: string }) =>
      run(async (core) => {
        requirePolicy(authenticationPolicy, core);
        const records = await listPasscodes(authenticationPolicy, core.store);
        const now = core.clock.now().getTime();
        return records.length === 0 ? 'no passcodes' : records.map((record) => describe(record, now)).join('\n');
      }),
    );

  command
    .command('revoke <name>')
    .description('revoke a passcode; what it has opened stays')
    .requiredOption(...policyOption)
    .action((name: string, { authenticationPolicy }: { authenticationPolicy: string }) =>
      run(async (core) => {
        requirePolicy(authenticationPolicy, core);
        await revokePasscode({ authenticationPolicy, name }, { ...core, actor: person() });
        return `revoked passcode ${name}`;
      }),
    );

  return command;
}

const createHelp = `
Examples:
  gatehouse passcode create --authentication-policy quickstart --device pump-17 --uses 1 --expires 7d
  gatehouse passcode create --authentication-policy quickstart --name batch-7 --count 100 --uses 1 > passcodes.txt
  gatehouse passcode create --authentication-policy quickstart --name printed --secret-stdin < passcode.txt`;

const maximumCount = 10_000;
const shortestSecret = 8;
const longestSecret = 255;

async function create(options: CreateOptions, core: PasscodeCore, readSecret: () => Promise<string>): Promise<string> {
  const { authenticationPolicy, username, uses, expires, device, count, secretStdin } = options;
  requirePolicy(authenticationPolicy, core);
  if (secretStdin && count > 1) {
    throw new CommandLineError('--secret-stdin gives one passcode; leave --count out');
  }
  const secret = secretStdin ? checkSecret(await readSecret()) : undefined;
  const passcodes = await createPasscodes(
    {
      authenticationPolicy,
      name: options.name ?? `passcode-${randomBytes(4).toString('hex')}`,
      count,
      ...(username === undefined ? {} : { username }),
      ...(secret === undefined ? {} : { secret }),
      ...(uses === undefined ? {} : { usageLimit: uses }),
      ...(expires === undefined ? {} : { expiresInSeconds: expires }),
      ...(device === undefined ? {} : { device }),
    },
    { ...core, actor: person() },
  );
  return passcodes
    .map(({ name, passcode }) => (secret === undefined ? `${name} ${passcode}` : `${name} (as given)`))
    .join('\n');
}

function requirePolicy(name: string, { catalog }: PasscodeCore): void {
  const { authenticationPolicies } = catalog();
  if (!authenticationPolicies.has(name)) {
    const known = [...authenticationPolicies.keys()].join(', ') || 'none';
    throw new CommandLineError(`there is no authentication policy "${name}"; there are: ${known}`);
  }
}

function checkSecret(text: string): string {
  const secret = text.replace(/\r?\n$/, '');
  if (secret.length < shortestSecret || secret.length > longestSecret || /[\r\n\0]/.test(secret)) {
    throw new CommandLineError(`a passcode is one line of ${shortestSecret} to ${longestSecret} characters`);
  }
  return secret;
}

function describe(record: CredentialRecord, now: number): string {
  const { name, username, uses, usageLimit, notAfter, registeredValues } = record;
  const device: unknown = registeredValues === null ? undefined : JSON.parse(registeredValues).device;
  return [
    name,
    state(record, now),
    `used ${uses}${usageLimit === null ? '' : ` of ${usageLimit}`}`,
    ...(username === null ? [] : [`username ${username}`]),
    ...(notAfter === null ? [] : [`until ${new Date(notAfter).toISOString()}`]),
    ...(typeof device === 'string' ? [`for device ${device}`] : []),
  ].join('  ');
}

function state({ revokedAt, notBefore, notAfter, uses, usageLimit }: CredentialRecord, now: number): string {
  if (revokedAt !== null) {
    return 'revoked';
  }
  if (notAfter !== null && now > notAfter) {
    return 'expired';
  }
  if (notBefore !== null && now < notBefore) {
    return 'not yet valid';
  }
  return usageLimit !== null && uses >= usageLimit ? 'used up' : 'valid';
}

function parseName(text: string): string {
  const parsed = nameSchema.safeParse(text);
  if (!parsed.success) {
    throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? '');
  }
  return parsed.data;
}

function parseCount(text: string): number {
  const count = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > maximumCount) {
    throw new InvalidArgumentError(`a whole number from 1 to ${maximumCount} is expected`);
  }
  return count;
}

function parseDuration(text: string): number {
  const parsed = durationSchema.safeParse(text);
  if (!parsed.success) {
    throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? '');
  }
  return parsed.data;
}

async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > longestSecret + 2) {
      break;
    }
  }
  return text;
}

function person(): string {
  return `command line (${userInfo().username})`;
}
