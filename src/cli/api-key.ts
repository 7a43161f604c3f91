/** `gatehouse api-key`: create, list and revoke. */
import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { createApiKey, getApiKey, revokeApiKey } from '../access/api-keys.js';
import { apiKeyStates, describeApiKey } from '../access/describe.js';
import { describeGrant } from '../access/grants.js';
import type { Grant } from '../model/access.js';
import type { Core } from '../open-core.js';
import type { ApiKeyState } from '../store/api-key-repository.js';
import { parseCount, parseDuration, parseName } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { commandLineManager } from './command-line-manager.js';
import { roleOption } from './role-option.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, jsonLines, jsonOption, printNote, table } from './table.js';

export function apiKeyCommand(run: RunWithCore): Command {
  return new Command('api-key')
    .description('API keys: what programs, and people at a shell, use the management API with')
    .addCommand(createCommand(run))
    .addCommand(listCommand(run))
    .addCommand(revokeCommand(run));
}

interface CreateOptions {
  readonly name?: string;
  readonly role?: readonly Grant[];
  readonly owner?: string;
  readonly expires?: number;
  readonly json?: true;
}

function createCommand(run: RunWithCore): Command {
  return new Command('create')
    .description('make an API key and print it, this once')
    .option('--name <name>', 'name to list and revoke it by; made up if not given', parseName)
    .addOption(roleOption().makeOptionMandatory())
    .option('--owner <user>', 'the user whose key it is: it stops with the user, and is never worth more')
    .option('--expires <duration>', 'how long it is valid, such as 90d; for ever if not given', parseDuration)
    .addOption(jsonOption())
    .addHelpText('after', createHelp)
    .action((options: CreateOptions) => run((core) => create(options, core)));
}

const createHelp = `
Examples:
  gatehouse api-key create --role solution-administrator
  gatehouse api-key create --name fleet-platform --role device-creator:plant --expires 365d
  gatehouse api-key create --name metrics --role auditor --json`;

async function create({ name, role, owner, expires, json }: CreateOptions, core: Core): Promise<string> {
  const now = core.clock.now();
  const { record, key } = await createApiKey(
    {
      name: name ?? `key-${randomBytes(4).toString('hex')}`,
      grants: role ?? [],
      ...(owner === undefined ? {} : { owner }),
      ...(expires === undefined ? {} : { expiresAt: new Date(now.getTime() + expires * 1000) }),
    },
    commandLineManager(),
    core,
  );
  if (json) return jsonLines([{ ...describeApiKey(record, now), key }]);
  return `${record.name} ${key}`;
}

interface ListOptions {
  readonly state?: ApiKeyState;
  readonly owner?: string;
  readonly search?: string;
  readonly limit: number;
  readonly json?: true;
}

function listCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list API keys; the keys themselves are not kept')
    .addOption(new Option('--state <state>', 'only those in this state').choices(apiKeyStates))
    .option('--owner <user>', 'only those of this user')
    .option('--search <text>', 'only those with this text in their name, in upper or lower case')
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  gatehouse api-key list --state valid\n  gatehouse api-key list --json')
    .action((options: ListOptions) => run((core) => list(options, core)));
}

async function list({ state, owner, search, limit, json }: ListOptions, { store, clock }: Core): Promise<string> {
  const now = clock.now();
  const user = owner === undefined ? undefined : await store.users.findByName({ name: owner });
  if (owner !== undefined && user === undefined) throw new CommandLineError(`there is no user ${owner}`);
  const found = await store.apiKeys.list({
    limit: limit + 1,
    ...(state === undefined ? {} : { state: { is: state, at: now.getTime() } }),
    ...(user ? { owner: user.id } : {}),
    ...(search === undefined ? {} : { search }),
  });
  const { shown, note } = cutListing({ found, limit, plural: 'API keys' });
  printNote(note);
  const keys = shown.map((record) => describeApiKey(record, now));
  if (json) return jsonLines(keys);
  if (keys.length === 0) return 'no API keys';
  return table(
    ['NAME', 'BEGINS WITH', 'STATE', 'ROLES', 'USER', 'EXPIRES', 'LAST USED'],
    keys.map(({ name, prefix, state: present, grants, owner: of = '', expiresAt = '', lastUsedAt = '' }) => [
      name,
      prefix,
      present,
      grants.map(describeGrant).join(', '),
      of,
      expiresAt,
      lastUsedAt,
    ]),
  );
}

function revokeCommand(run: RunWithCore): Command {
  return new Command('revoke')
    .argument('<name>')
    .description('revoke one, from the next request on')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse api-key revoke fleet-platform')
    .action((name: string, { json }: { json?: true }) =>
      run(async (core) => {
        const record = await revokeApiKey(await getApiKey(name, 'everywhere', core), commandLineManager(), core);
        return json ? jsonLines([describeApiKey(record, core.clock.now())]) : `revoked API key ${name}`;
      }),
    );
}
