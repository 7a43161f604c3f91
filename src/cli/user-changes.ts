/** Subcommands of `gatehouse user` that change something. */
import { Command, InvalidArgumentError } from 'commander';
import { describeUser, newUserFields } from '../access/describe.js';
import { changeUser, createUser, deleteUser, getUser, setEnabled, setPassword } from '../access/users.js';
import type { Grant } from '../model/access.js';
import type { Core } from '../open-core.js';
import type { UserRecord } from '../store/access-record.js';
import { parseName } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { commandLineManager } from './command-line-manager.js';
import { readPassword } from './read-password.js';
import { roleOption } from './role-option.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

type ReadInput = () => Promise<string>;

interface CreateOptions {
  readonly role?: readonly Grant[];
  readonly displayName?: string;
  readonly passwordStdin?: true;
  readonly json?: true;
}

export function createUserCommand(run: RunWithCore, readInput: ReadInput): Command {
  return new Command('create')
    .argument('<name>', 'what the user authenticates by', parseName)
    .description('make a user')
    .addOption(roleOption().makeOptionMandatory())
    .option('--display-name <text>', 'the name for people to read', parseDisplayName)
    .option('--password-stdin', 'take a password from standard input; without one, the user has none')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  gatehouse user create alice --role solution-administrator --password-stdin < password.txt
  gatehouse user create bob --role approver:plant --role auditor:plant --display-name 'Bob Baker'`,
    )
    .action((name: string, { role = [], displayName, passwordStdin, json }: CreateOptions) =>
      run(async (core) => {
        const password = passwordStdin ? await readPassword(readInput) : undefined;
        const user = await createUser(
          {
            name,
            grants: role,
            ...(displayName === undefined ? {} : { displayName }),
            ...(password === undefined ? {} : { password }),
          },
          commandLineManager(),
          core,
        );
        return await answer(user, `made user ${name}`, json, core);
      }),
    );
}

interface ChangeOptions {
  readonly role?: readonly Grant[];
  readonly displayName?: string;
  readonly json?: true;
}

export function changeUserCommand(run: RunWithCore): Command {
  return new Command('change')
    .argument('<name>')
    .description('change the roles or the display name of a user')
    .addOption(roleOption())
    .option('--display-name <text>', 'the name for people to read', parseDisplayName)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nThe roles given take the place of those before.\n\nExample:\n  gatehouse user change bob --role auditor:plant',
    )
    .action((name: string, { role, displayName, json }: ChangeOptions) =>
      run(async (core) => {
        if (role === undefined && displayName === undefined) {
          throw new CommandLineError('nothing is to be changed; give --role or --display-name');
        }
        const seen = await getUser(name, 'everywhere', core);
        const changes = { ...(role ? { grants: role } : {}), ...(displayName === undefined ? {} : { displayName }) };
        const user = await changeUser(seen, changes, commandLineManager(), core);
        return await answer(user, `changed user ${name}`, json, core);
      }),
    );
}

export function enableCommand(run: RunWithCore, isEnabled: boolean): Command {
  const verb = isEnabled ? 'enable' : 'disable';
  return new Command(verb)
    .argument('<name>')
    .description(
      isEnabled
        ? 'let a disabled user in again'
        : 'stop a user, with its API keys and certificates, from the next request on',
    )
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  gatehouse user ${verb} bob`)
    .action((name: string, { json }: { json?: true }) =>
      run(async (core) => {
        const seen = await getUser(name, 'everywhere', core);
        const user = await setEnabled(seen, isEnabled, commandLineManager(), core);
        return await answer(user, `${verb}d user ${name}`, json, core);
      }),
    );
}

export function deleteUserCommand(run: RunWithCore): Command {
  return new Command('delete')
    .argument('<name>')
    .description('delete a user, and revoke its API keys')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse user delete bob')
    .action((name: string, { json }: { json?: true }) =>
      run(async (core) => {
        await deleteUser(await getUser(name, 'everywhere', core), commandLineManager(), core);
        return json ? jsonLines([{ name, state: 'deleted' }]) : `deleted user ${name}`;
      }),
    );
}

export function passwordCommand(run: RunWithCore, readInput: ReadInput): Command {
  return new Command('password')
    .argument('<name>')
    .description('set the password of a user: one line of standard input')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse user password alice < password.txt')
    .action((name: string, { json }: { json?: true }) =>
      run(async (core) => {
        const seen = await getUser(name, 'everywhere', core);
        await setPassword(seen, await readPassword(readInput), commandLineManager(), core);
        return await answer(await getUser(name, 'everywhere', core), `set the password of user ${name}`, json, core);
      }),
    );
}

/** @throws InvalidArgumentError */
function parseDisplayName(text: string): string {
  const parsed = newUserFields.displayName.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError('1 to 200 characters are expected');
  return parsed.data;
}

async function answer(user: UserRecord, text: string, json: true | undefined, { store }: Core): Promise<string> {
  if (!json) return text;
  return jsonLines([describeUser(user, await store.users.certificatesOf({ userId: user.id }))]);
}
