/** `gatehouse user`: create, list, show, change, disable, enable, delete and password. */
import { Command, Option } from 'commander';
import { describeUser, type UserView } from '../access/describe.js';
import { describeGrant } from '../access/grants.js';
import { getUser } from '../access/users.js';
import type { Core } from '../open-core.js';
import type { UserRecord } from '../store/access-record.js';
import { parseCount } from './arguments.js';
import { readStandardInput } from './read-password.js';
import type { RunWithCore } from './run-with-core.js';
import { cutListing, fields, jsonLines, jsonOption, printNote, table } from './table.js';
import {
  changeUserCommand,
  createUserCommand,
  deleteUserCommand,
  enableCommand,
  passwordCommand,
} from './user-changes.js';

/** @param readInput reads a password: from standard input, as argument lists can be seen by others */
export function userCommand(run: RunWithCore, readInput: () => Promise<string> = readStandardInput): Command {
  return new Command('user')
    .description('users: people who manage the gateway, with a password, client certificates or API keys of their own')
    .addCommand(createUserCommand(run, readInput))
    .addCommand(listUsersCommand(run))
    .addCommand(showUserCommand(run))
    .addCommand(changeUserCommand(run))
    .addCommand(enableCommand(run, false))
    .addCommand(enableCommand(run, true))
    .addCommand(deleteUserCommand(run))
    .addCommand(passwordCommand(run, readInput));
}

interface ListOptions {
  readonly state?: 'enabled' | 'disabled';
  readonly search?: string;
  readonly limit: number;
  readonly json?: true;
}

function listUsersCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list users, by name')
    .addOption(new Option('--state <state>', 'only those in this state').choices(['enabled', 'disabled']))
    .option('--search <text>', 'only those with this text in their name or display name, in upper or lower case')
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  gatehouse user list\n  gatehouse user list --json')
    .action((options: ListOptions) => run((core) => list(options, core)));
}

async function list({ state, search, limit, json }: ListOptions, core: Core): Promise<string> {
  const found = await core.store.users.list({
    limit: limit + 1,
    ...(state === undefined ? {} : { enabled: state === 'enabled' }),
    ...(search === undefined ? {} : { search }),
  });
  const { shown, note } = cutListing({ found, limit, plural: 'users' });
  printNote(note);
  const users = await Promise.all(shown.map((record) => viewUser(record, core)));
  if (json) return jsonLines(users);
  if (users.length === 0) return 'no users';
  return table(
    ['NAME', 'STATE', 'ROLES', 'AUTHENTICATES WITH', 'LAST SEEN'],
    users.map((user) => [
      user.name,
      stateOf(user),
      user.grants.map(describeGrant).join(', '),
      describeMeans(user),
      user.lastSeenOn ?? '',
    ]),
  );
}

function showUserCommand(run: RunWithCore): Command {
  return new Command('show')
    .argument('<name>')
    .description('show a user, with its certificates')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse user show alice')
    .action((name: string, { json }: { json?: true }) =>
      run(async (core) => {
        const user = await viewUser(await getUser(name, 'everywhere', core), core);
        if (json) return jsonLines([user]);
        const { displayName, grants, certificates, createdAt, updatedAt, lastSeenOn } = user;
        return [
          user.name,
          ...fields({
            name: displayName,
            state: stateOf(user),
            roles: grants.map(describeGrant).join(', '),
            'authenticates with': describeMeans(user),
            created: createdAt,
            changed: updatedAt,
            'last seen': lastSeenOn,
          }),
          ...certificates.flatMap(({ fingerprint, subject, notAfter }) => [
            `certificate ${subject}`,
            ...fields({ 'SHA-256': fingerprint, until: notAfter }),
          ]),
        ].join('\n');
      }),
    );
}

function stateOf({ enabled }: UserView): string {
  return enabled ? 'enabled' : 'disabled';
}

function describeMeans({ hasPassword, certificates }: UserView): string {
  return [...(hasPassword ? ['password'] : []), ...(certificates.length > 0 ? ['certificate'] : [])].join(', ');
}

async function viewUser(record: UserRecord, { store }: Core): Promise<UserView> {
  return describeUser(record, await store.users.certificatesOf({ userId: record.id }));
}
