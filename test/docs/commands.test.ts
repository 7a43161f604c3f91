/** The commands that pages tell people to type, against the commands that there are. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/commands.js';
import { documentFile } from './documents.js';

const program = createProgram('0');
const pages = readdirSync(documentFile('.')).filter((name) => name.endsWith('.md'));

describe('commands in pages', () => {
  it.each(['../README.md', ...pages])('%s names commands and options that there are', (name) => {
    const typed = commandsIn(readFileSync(documentFile(name), 'utf8'));
    expect(typed.flatMap((words) => mistakesIn(words))).toEqual([]);
  });

  it('finds the commands of the README', () => {
    const typed = commandsIn(readFileSync(documentFile('../README.md'), 'utf8')).map((words) => words.join(' '));
    expect(typed).toContain('request list');
    expect(typed.length).toBeGreaterThan(5);
  });
});

/** What stands behind `gatehouse` in lines of shells, and in code within sentences. */
function commandsIn(text: string): string[][] {
  const blocks = [...text.matchAll(/^```(console|sh|yaml|ini)\n([\s\S]*?)^```/gm)];
  const lines = blocks.flatMap(([, kind, body = '']) =>
    body
      .replaceAll(/\\\n/g, '')
      // What the shell puts in is no word of ours.
      .replaceAll(/\$\([^()]*\)/g, 'value')
      .split('\n')
      .filter((line) => kind !== 'console' || line.startsWith('$ ')),
  );
  const inline = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`gatehouse ([^`]*)`/g)]
    .map(([, words = '']) => words.split(/\s+/))
    .filter(([first]) => program.commands.some((command) => command.name() === first));
  return [...lines.flatMap((line) => commandsInLine(line)), ...inline];
}

function commandsInLine(line: string): string[][] {
  const [, words] = /(?:^(?:\$ )?gatehouse|npx gatehouse|dist\/src\/main\.js) ([^|<>);&#"]+)/.exec(line) ?? [];
  return words === undefined ? [] : [words.trim().split(/\s+/)];
}

function mistakesIn(words: readonly string[]): string[] {
  const line = `gatehouse ${words.join(' ')}`;
  const mistakes: string[] = [];
  let command: Command = program;
  let isValue = false;
  for (const word of words) {
    if (isValue) {
      isValue = false;
      continue;
    }
    const child = command.commands.find((each) => each.name() === word);
    if (child !== undefined) command = child;
    else if (/^--?[a-z]/.test(word)) {
      const option = [...command.options, ...program.options].find(
        ({ short, long }) => word === short || word === long,
      );
      if (option === undefined) mistakes.push(`${line}: ${word}`);
      isValue = option?.required ?? false;
    } else if (command.commands.length > 0 && command.registeredArguments.length === 0)
      mistakes.push(`${line}: ${word}`);
  }
  return mistakes;
}
