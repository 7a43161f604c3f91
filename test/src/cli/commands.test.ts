/** The tree of commands as a whole: what every one of them has. */
import { describe, expect, it } from '@jest/globals';
import { type Command, CommanderError } from 'commander';
import { createProgram, eachCommand, pathOf } from '../../../src/cli/commands.js';
import { reportFailure } from '../../../src/cli/exit-status.js';

const program = createProgram('1.2.3');
const all = [...eachCommand(program)].map((command): [string, Command] => [pathOf(command).join(' '), command]);
const leaves = all.filter(([, { commands }]) => commands.length === 0);

/** Their output is a form of its own already: a log, YAML, PEM, a script, a manual. */
const printsNoData = new Set([
  ...['serve', 'export', 'ca certificate', 'ca crl', 'ca request', 'job results', 'job failures', 'completion', 'help'],
]);

/** What a command prints as its help. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

describe('every command', () => {
  it.each(all)('"%s" has a description', (_path, command) => {
    expect(command.description()).toMatch(/^[^\n]{10,}$/);
  });

  it.each(leaves)('"%s" has an example that begins with its words', (path, command) => {
    expect(helpOf(command)).toMatch(new RegExp(`\\nExamples?:\\n(.*\\n)*?.*gatehouse ${path}( |\\n|$)`));
  });

  it.each(all)('"%s" tells of exit statuses, files and environment', (_path, command) => {
    expect(helpOf(command)).toMatch(/\nExit status:\n[\s\S]+\nFiles:\n[\s\S]+\nEnvironment:\n/);
  });

  it.each(leaves.filter(([path]) => !printsNoData.has(path)))('"%s" prints JSON for programs', (_path, command) => {
    expect(command.options.map(({ long }) => long)).toContain('--json');
  });

  it.each(all)('"%s" describes each of its options', (_path, { options }) => {
    for (const option of options) expect(option.description).not.toBe('');
  });
});

describe('gatehouse help', () => {
  it('shows the manual of a command by its words', async () => {
    const own = createProgram('1.2.3');
    let text = '';
    for (const command of eachCommand(own)) command.configureOutput({ writeOut: (part) => (text += part) });
    await own.parseAsync(['help', 'policy', 'evaluate'], { from: 'user' });
    expect(text).toMatch(/^Usage: gatehouse policy evaluate \[options\] <label>\n/);
  });
});

describe('exit statuses', () => {
  async function statusOf(...words: string[]): Promise<number> {
    const own = createProgram('1.2.3');
    for (const command of eachCommand(own))
      command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    return await own.parseAsync(words, { from: 'user' }).then(
      () => 0,
      (error) => reportFailure(error),
    );
  }

  it.each([
    ['help', ['--help'], 0],
    ['the version', ['--version'], 0],
    ['the help of a command', ['policy', 'list', '--help'], 0],
    ['no command', [], 2],
    ['half a command', ['policy'], 2],
    ['an unknown command', ['polici'], 2],
    ['an unknown command to be helped with', ['help', 'policy', 'x'], 2],
    ['an unknown option', ['policy', 'list', '--jsn'], 2],
    ['a missing option', ['apply'], 2],
    ['a missing argument', ['policy', 'show'], 2],
    ['one argument too many', ['status', 'x'], 2],
    ['a value that is not possible', ['completion', 'fish'], 2],
    ['a number that is none', ['ca', 'crl', 'x', '--partition', 'y'], 2],
  ])('of %s', async (_name, words, status) => {
    expect(await statusOf(...words)).toBe(status);
  });

  it('is 1 for what failed, told in a line', () => {
    const told: unknown[] = [];
    const { error } = console;
    console.error = (text: unknown) => told.push(text);
    try {
      expect(reportFailure(new Error('no database', { cause: new Error('ENOENT') }))).toBe(1);
      const mistake = new TypeError('x is undefined');
      expect(reportFailure(mistake)).toBe(1);
      expect(told).toEqual(['gatehouse: no database (ENOENT)', mistake]);
      expect(reportFailure(new CommanderError(1, 'commander.unknownOption', 'told already'))).toBe(2);
      expect(told).toHaveLength(2);
    } finally {
      console.error = error;
    }
  });
});
