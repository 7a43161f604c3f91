/** What `gatehouse passcode` and `gatehouse acme-key` have in common. */
import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { type CredentialState, credentialState, credentialStates } from '../catalog/credential-state.js';
import { revokeCredential } from '../catalog/credentials.js';
import { listCredentials } from '../catalog/find-credentials.js';
import type { NewCredentials } from '../catalog/new-credentials.js';
import type { ConfiguredKind } from '../model/credential.js';
import type { Core } from '../open-core.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { parseCount, parseDuration, parseName } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { person } from './person.js';
import { jsonLines, jsonOption, timeText } from './table.js';

type CredentialCore = Pick<Core, 'store' | 'sealing' | 'passcodeLookup' | 'clock' | 'catalog'>;
/** Runs a command against the opened data directory, and prints what it returns. */
type Run = (act: (core: CredentialCore) => Promise<string>) => Promise<void>;

/** What the subcommands say of a kind. */
interface Wording {
  /** The command. */
  readonly command: string;
  readonly kind: ConfiguredKind;
  readonly noun: string;
  readonly plural: string;
  /** What is left of it in the store. */
  readonly kept: string;
  /** What a use opens. */
  readonly opens: string;
  readonly afterRevocation: string;
}

export interface CreateOptions {
  readonly authenticationPolicy: string;
  readonly name?: string;
  readonly uses?: number;
  readonly expires?: number;
  readonly device?: string;
  readonly count: number;
  readonly json?: true;
}

interface PolicyOptions {
  readonly authenticationPolicy: string;
  readonly json?: true;
}

interface ListOptions extends PolicyOptions {
  readonly state?: CredentialState;
  readonly search?: string;
}

/** `create`, with the options that every kind takes. */
export function createCommand({ noun, plural, opens }: Wording): Command {
  return new Command('create')
    .description(`make ${plural} and print each once, with its name`)
    .requiredOption(...policyOption)
    .option('--name <name>', 'name to list and revoke it by; made up if not given', parseName)
    .option('--uses <number>', `how many ${opens} it may open; any number if not given`, parseCount)
    .option('--expires <duration>', 'how long it is valid, such as 12h or 7d; for ever if not given', parseDuration)
    .option('--device <name>', `the only device that the ${noun} may be used for`)
    .option('--count <number>', 'how many to make', parseCount, 1)
    .addOption(jsonOption());
}

export function listCommand({ command, kind, plural, kept }: Wording, run: Run): Command {
  return new Command('list')
    .description(`list ${plural}; ${kept}`)
    .requiredOption(...policyOption)
    .addOption(new Option('--state <state>', 'only those in this state').choices(credentialStates))
    .option('--search <text>', 'only those with this text in their name, in upper or lower case')
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  gatehouse ${command} list --authentication-policy quickstart`)
    .action(({ authenticationPolicy, state, search = '', json }: ListOptions) =>
      run(async (core) => {
        requirePolicy(authenticationPolicy, core);
        const now = core.clock.now().getTime();
        const records = (await listCredentials(kind, authenticationPolicy, core.store)).filter(
          (record) =>
            (state === undefined || credentialState(record, new Date(now)) === state) &&
            record.name.toLowerCase().includes(search.toLowerCase()),
        );
        if (json) return jsonLines(records.map((record) => credentialJson(record, now)));
        return records.length === 0 ? `no ${plural}` : records.map((record) => describe(record, now)).join('\n');
      }),
    );
}

export function revokeCommand({ command, kind, noun, afterRevocation }: Wording, run: Run): Command {
  return new Command('revoke')
    .argument('<name>')
    .description(`revoke one; ${afterRevocation}`)
    .requiredOption(...policyOption)
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  gatehouse ${command} revoke --authentication-policy quickstart batch-7-2`)
    .action((name: string, { authenticationPolicy, json }: PolicyOptions) =>
      run(async (core) => {
        requirePolicy(authenticationPolicy, core);
        await revokeCredential({ authenticationPolicy, name }, { ...core, actor: person() }, kind);
        return json ? jsonLines([{ name, state: 'revoked' }]) : `revoked ${noun} ${name}`;
      }),
    );
}

/** @throws CommandLineError for an authentication policy that is not there */
export function readWanted(options: CreateOptions, noun: string, core: CredentialCore): NewCredentials {
  const { authenticationPolicy, name, uses, expires, device, count } = options;
  requirePolicy(authenticationPolicy, core);
  return {
    authenticationPolicy,
    name: name ?? `${noun}-${randomBytes(4).toString('hex')}`,
    count,
    ...(uses === undefined ? {} : { usageLimit: uses }),
    ...(expires === undefined ? {} : { expiresInSeconds: expires }),
    ...(device === undefined ? {} : { device }),
  };
}

const policyOption = ['--authentication-policy <name>', 'the authentication policy that it is for'] as const;

function requirePolicy(name: string, { catalog }: CredentialCore): void {
  const { authenticationPolicies } = catalog();
  if (!authenticationPolicies.has(name)) {
    const known = [...authenticationPolicies.keys()].join(', ') || 'none';
    throw new CommandLineError(`there is no authentication policy "${name}"; there are: ${known}`);
  }
}

function describe(record: CredentialRecord, now: number): string {
  const { kind, name, lookup, username, uses, usageLimit, notAfter, registeredValues } = record;
  const device: unknown = registeredValues === null ? undefined : JSON.parse(registeredValues).device;
  return [
    name,
    credentialState(record, new Date(now)).replaceAll('-', ' '),
    `used ${uses}${usageLimit === null ? '' : ` of ${usageLimit}`}`,
    ...(username === null ? [] : [`username ${username}`]),
    ...(kind === 'acme-account-key' ? [`key id ${lookup}`] : []),
    ...(notAfter === null ? [] : [`until ${new Date(notAfter).toISOString()}`]),
    ...(typeof device === 'string' ? [`for device ${device}`] : []),
  ].join('  ');
}

function credentialJson(record: CredentialRecord, now: number): object {
  const { kind, name, lookup, username, uses, usageLimit, notAfter, registeredValues } = record;
  return {
    name,
    state: credentialState(record, new Date(now)),
    uses,
    usageLimit,
    username,
    ...(kind === 'acme-account-key' ? { keyId: lookup } : {}),
    notAfter: notAfter === null ? null : timeText(notAfter),
    registeredValues: registeredValues === null ? null : JSON.parse(registeredValues),
  };
}
