/** `gatehouse init` */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { initCommand, templates } from '../../../src/cli/init.js';
import { readSettings } from '../../../src/settings.js';
import { runWithSettings } from '../../support/printed.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-init-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Choose = NonNullable<Parameters<typeof initCommand>[1]>;

function init(words: readonly string[], choose?: Choose) {
  const settings = readSettings({ flags: { data: join(folder, 'data') }, environment: {} });
  return runWithSettings((read) => initCommand(read, choose), settings, words);
}

describe('gatehouse init', () => {
  it('makes the data directory, for its owner only, and the configuration file', async () => {
    const file = join(folder, 'fleet.yaml');
    const { text, error } = await init([file]);
    expect(error).toBeUndefined();
    expect(text).toContain(`gatehouse apply -f ${file} --dry-run`);
    expect(await readFile(file, 'utf8')).toContain('The smallest fleet that works');
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
  });

  it.each(Object.keys(templates))('writes the template %s', async (template) => {
    const file = join(folder, 'fleet.yaml');
    const { text } = await init([file, '--template', template, '--json']);
    expect(JSON.parse(text)).toEqual({ template, file, data: join(folder, 'data') });
    expect(await readFile(file, 'utf8')).toMatch(/^# .+\n/);
  });

  it('asks where somebody is there, but not for what is given', async () => {
    const asked: string[] = [];
    const choose: Choose = async () => {
      asked.push('template');
      return 'acme-tpm';
    };
    expect((await init([join(folder, 'a.yaml')], choose)).text).toContain('template acme-tpm');
    expect((await init([join(folder, 'b.yaml'), '--template', 'minimal'], choose)).text).toContain('template minimal');
    expect(asked).toEqual(['template']);
  });

  it('tells when the data directory is in use: what is applied is added there', async () => {
    const hint = 'has a database already, to which this would be added';
    expect((await init([join(folder, 'a.yaml')])).text).not.toContain(hint);
    await writeFile(join(folder, 'data', 'gatehouse.sqlite'), '');
    expect((await init([join(folder, 'b.yaml')])).text).toContain(hint);
  });

  it('overwrites nothing', async () => {
    const file = join(folder, 'fleet.yaml');
    await writeFile(file, 'mine');
    expect((await init([file])).error).toBe(
      `${file} exists, and init overwrites nothing: name another file, or edit this one`,
    );
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('refuses a folder that is not there', async () => {
    expect((await init([join(folder, 'none', 'fleet.yaml')])).error).toBe(
      `there is no folder ${join(folder, 'none')}: make it first`,
    );
  });
});
