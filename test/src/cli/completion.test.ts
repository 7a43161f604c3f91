/** The scripts of `gatehouse completion`, as the shells run them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createProgram } from '../../../src/cli/commands.js';

const run = promisify(execFile);
let folder: string;
let script: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-completion-'));
  script = join(folder, 'gatehouse.bash');
  await writeFile(script, await scriptOf('bash'));
  await writeFile(join(folder, 'fleet.yaml'), '');
});
afterAll(() => rm(folder, { recursive: true }));

async function scriptOf(shell: string): Promise<string> {
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  await createProgram('1.2.3').parseAsync(['completion', shell], { from: 'user' });
  const text = log.mock.calls.map(([line]) => String(line)).join('\n');
  log.mockRestore();
  return text;
}

/** What bash offers for the last of the words. */
async function complete(...words: string[]): Promise<string[]> {
  const quoted = ['gatehouse', ...words].map((word) => `'${word}'`).join(' ');
  const program = `source ${script}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _gatehouse; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['--norc', '-c', program], { cwd: folder });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash', () => {
  it('completes commands', async () => {
    expect(await complete('po')).toEqual(['policy']);
    expect(await complete('policy', '')).toEqual(['list', 'show', 'enable', 'disable', 'evaluate']);
    expect(await complete('policy', 'e')).toEqual(['enable', 'evaluate']);
    expect(await complete('policy', 'list', '')).toEqual([]);
  });

  it('completes options, those of the settings anywhere', async () => {
    expect(await complete('policy', 'list', '--j')).toEqual(['--json']);
    expect(await complete('policy', 'list', '--kek')).toEqual(['--kek-file', '--kek-passphrase-file']);
    expect(await complete('policy', 'list', '--cs')).toEqual([]);
    expect(await complete('policy', 'evaluate', '--cs')).toEqual(['--csr']);
    expect(await complete('--data', 'policy', 'status', '--js')).toEqual(['--json']);
  });

  it('completes the values of options and arguments', async () => {
    expect(await complete('policy', 'evaluate', '--protocol', 's')).toEqual(['scep']);
    expect(await complete('audit', 'list', '--outcome', '')).toEqual(['success', 'refused', 'pending']);
    expect(await complete('init', '--template', 'acme-')).toEqual(['acme-servers', 'acme-fleet', 'acme-tpm']);
    expect(await complete('completion', '')).toEqual(['bash', 'zsh']);
    expect(await complete('audit', 'list', '--subject', '')).toEqual([]);
  });

  it('completes files where files are wanted', async () => {
    expect(await complete('apply', '-f', 'fl')).toEqual(['fleet.yaml']);
    expect(await complete('policy', 'evaluate', 'quickstart', '--csr', 'fl')).toEqual(['fleet.yaml']);
    expect(await complete('--data', 'fl')).toEqual(['fleet.yaml']);
    expect(await complete('restore', 'fl')).toEqual(['fleet.yaml']);
  });

  it('takes the value of an option for no command', async () => {
    expect(await complete('passcode', 'create', '--name', 'list', '--cou')).toEqual(['--count']);
  });
});

describe('zsh', () => {
  it('has every command with its description, in words of the shell', async () => {
    const zsh = await scriptOf('zsh');
    expect(zsh).toMatch(/^#compdef gatehouse\n/);
    expect(zsh).toContain("'enable:let a policy issue again'");
    expect(zsh).toContain("' policy evaluate --protocol') compadd -- 'est' 'scep'");
    // Quotes and brackets of the two shells pair in the same way.
    await writeFile(join(folder, 'gatehouse.zsh'), zsh);
    await expect(run('bash', ['-n', join(folder, 'gatehouse.zsh')])).resolves.toBeDefined();
  });
});
