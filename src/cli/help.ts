/** `gatehouse help`: the manual of each command. */
import { Command } from 'commander';

/** @param program whose commands it explains */
export function helpCommand(program: Command): Command {
  return new Command('help')
    .argument('[command...]', 'such as policy evaluate')
    .description('show the manual of a command: what it does, its options, examples, exit statuses, files, environment')
    .addHelpText('after', '\nExamples:\n  gatehouse help\n  gatehouse help policy evaluate')
    .action((path: readonly string[]) => findCommand(program, path).outputHelp());
}

/** What holds for every command, below its own help. */
export const commonHelp = `
Exit status:
  0  done
  1  failed, or a problem was found: standard error says what
  2  wrong use: a command, option or argument is missing, unknown or not possible

Files:
  <data>/gatehouse.sqlite    the database, or where --database says
  <data>/key-encryption-key  the key that opens what is sealed in it, or where --kek-file says
  <data> is ./data, or where --data says; the settings have to be those that the gateway runs with

Environment:
  GATEHOUSE_SETTINGS   YAML file with settings
  GATEHOUSE_DATA, …    each setting; gatehouse --help lists them. An option goes before its variable, both before the file
`;

function findCommand(program: Command, path: readonly string[]): Command {
  let found = program;
  for (const name of path) {
    const next = found.commands.find((command) => command.name() === name);
    if (next === undefined) program.error(`error: there is no command "${path.join(' ')}"`);
    else found = next;
  }
  return found;
}
