import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jobCommand } from '../../../src/cli/job.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let gateway: TestGateway;
let directory: string;

beforeAll(async () => {
  gateway = await startTestGateway({ configuration: fleet });
  await applyYaml(gateway, policyLike('batch', 'methods: [batch]'));
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-job-'));
});

afterAll(async () => {
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

async function job(...words: readonly string[]): Promise<string> {
  return await runCommand((run) => jobCommand(run, async () => 'correct horse battery'), gateway, words);
}

async function file(name: string, content: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const id = (printed: string) => /job ([0-9a-f-]{36})/.exec(printed)?.[1] ?? '';

describe('gatehouse job', () => {
  it('submits a file, which the running gateway works on, and watches it', async () => {
    const path = await file('pumps.csv', 'name\npump-1\npump-2\npump-1\n');
    const printed = await job('submit', 'register-devices', '-f', path, '--group', 'pumps', '--watch');
    expect(printed).toBe(
      `job ${id(printed)} is finished: 2 done, 1 failed; gatehouse job failures ${id(printed)} has them with the reasons`,
    );
    const output = join(directory, 'failures.csv');
    expect(await job('failures', id(printed), '-o', output)).toBe('');
    expect(await readFile(output, 'utf8')).toContain('pump-1,duplicate-request,');
    const results = join(directory, 'results.jsonl');
    await job('results', id(printed), '--format', 'jsonl', '-o', results);
    expect((await readFile(results, 'utf8')).trim().split('\n')).toHaveLength(3);
    expect(JSON.parse(await job('show', id(printed), '--json'))).toMatchObject({
      state: 'finished',
      total: 3,
      done: 2,
      failed: 1,
      input: 'pumps.csv',
      createdBy: expect.stringContaining('command line'),
    });
    expect(await job('show', id(printed))).toContain('  division: plant');
    expect(await job('delete', id(printed))).toContain('is deleted');
    await expect(job('show', id(printed))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('holds a job until it is started, and cancels it', async () => {
    const path = await file('valves.jsonl', '{"name":"valve-1"}\n');
    const words = [
      'submit',
      'register-devices',
      '-f',
      path,
      '--group',
      'valves',
      '--no-start',
      '--name',
      'held',
      '--json',
    ];
    const held = JSON.parse(await job(...words));
    expect(held).toMatchObject({ state: 'paused', name: 'held', total: 1 });
    expect(await job('list', '--state', 'paused')).toContain(held.id);
    expect(await job('list', '--kind', 'revoke-certificates')).toBe('no jobs');
    expect(await job('list', '--search', 'no such name')).toBe('no jobs');
    expect(await job('list', '--submitted-by', 'nobody')).toBe('no jobs');
    const idsBy = async (sort: string) =>
      (await job('list', '--json', '--sort', sort)).split('\n').map((line) => JSON.parse(line).id);
    expect(await idsBy('oldest')).toEqual((await idsBy('latest')).reverse());
    await expect(job('list', '--division', 'nowhere')).rejects.toThrow('there is no division "nowhere"');
    expect(await job('start', held.id)).toContain('is ready: 0 done, 0 failed, 1 not done');
    expect(JSON.parse(await job('watch', held.id, '--json'))).toMatchObject({ state: 'finished', done: 1 });
    await expect(job('cancel', held.id)).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it('issues and renews certificates with keys of its own under a password from a file or standard input', async () => {
    const password = await file('password.txt', 'correct horse battery\n');
    const rows = await file('made.csv', 'subject\nCN=made-1\n');
    const keys = ['--keys', 'gateway', '--key-type', 'ec-p256'];
    const words = ['issue-certificates', '-f', rows, '--policy', 'batch', ...keys, '--password-file', password];
    const issuing = await job('submit', ...words, '--watch');
    expect(issuing).toContain('is finished: 1 done, 0 failed');
    const results = join(directory, 'issued.jsonl');
    await job('results', id(issuing), '--format', 'jsonl', '-o', results);
    const { fingerprint } = JSON.parse(await readFile(results, 'utf8')).result;

    const named = await file('renewed.csv', `fingerprint\n${fingerprint}\n`);
    const renewal = ['renew-certificates', '-f', named, '--division', 'plant', ...keys, '--password-stdin', '--watch'];
    const renewing = await job('submit', ...renewal);
    expect(renewing).toContain('is finished: 1 done, 0 failed');
    const output = join(directory, 'renewed.zip');
    const archived = await job('archive', id(renewing), '-o', output, '--json');
    expect(JSON.parse(archived)).toMatchObject({ id: id(renewing), file: output, keysDestroyed: true });

    const selection = ['renew-certificates', '--division', 'plant', '--select-policy', 'batch', '--watch'];
    expect(await job('submit', ...selection)).toContain('is finished: 1 done, 0 failed');
    expect(JSON.parse(await job('delete', id(renewing), '--json'))).toEqual({ id: id(renewing), deleted: true });
  });

  it('selects certificates to be revoked', async () => {
    const words = ['submit', 'revoke-certificates', '--division', 'plant', '--select-policy', 'fleet', '--watch'];
    expect(await job(...words)).toContain('is finished: 0 done, 0 failed');
  });

  it('says what is wrong with a file, and leaves no job of it behind', async () => {
    const before = await job('list', '--json');
    const path = await file('wrong.csv', 'nam\npump-9\n');
    await expect(job('submit', 'register-devices', '-f', path, '--group', 'pumps')).rejects.toThrow(
      'line 1: the header has unknown column "nam", and missing column "name"; the columns are name,group,identifier.<name>,attribute.<name>',
    );
    expect(await job('list', '--json')).toBe(before);
  });

  it.each([
    [['register-devices', '--group', 'pumps'], 'give the rows with --file'],
    [['register-devices', '--group', 'pumps', '-f', '-'], 'standard input has no name'],
    [['register-devices', '--group', 'pumps', '-f', '/dev/null'], 'neither .csv nor .jsonl'],
    [['revoke-certificates', '--division', 'plant'], 'give the rows with --file'],
    [
      ['issue-certificates', '--policy', 'batch', '-f', '-', '--format', 'csv', '--password-stdin'],
      'standard input has the rows already',
    ],
    [['issue-certificates', '--policy', 'batch', '-f', 'x.csv', '--recipient', '/missing.pem'], 'cannot be read'],
    [['register-devices', '--group', 'pumps', '-f', 'missing.csv'], 'there is no file missing.csv'],
    [['register-devices', '--group', 'nowhere', '-f', '/dev/null', '--format', 'csv'], 'no device group "nowhere"'],
  ])('refuses %j', async (words, message) => {
    await expect(job('submit', ...words)).rejects.toThrow(message);
  });

  it('explains the kinds and their columns', async () => {
    const kinds = await job('kinds');
    expect(kinds).toContain('register-devices: register devices');
    expect(kinds).toContain('  header: name,group,identifier.<name>,attribute.<name>');
    expect(kinds).toContain('    name (required): ');
    expect((await job('kinds', '--json')).split('\n')).toHaveLength(4);
  });
});
