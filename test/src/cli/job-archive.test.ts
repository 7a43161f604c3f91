/** `gatehouse job archive`. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unzipSync } from 'fflate';
import { jobArchiveCommand } from '../../../src/cli/job-archive.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { runIssueJob } from '../../support/issue-job.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let id: string;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('batch', 'methods: [batch]'));
  const archive = { password: 'correct horse battery' };
  const rows = [{ subject: 'CN=pump-1' }];
  ({ id } = await runIssueJob(test.gateway.core, { policy: 'batch', keys: 'gateway', archive }, rows));
});
afterAll(() => test.close());

function run(...words: string[]): Promise<string> {
  return runCommand(jobArchiveCommand, test, words);
}

describe('gatehouse job archive', () => {
  it('overwrites nothing, and leaves the keys then', async () => {
    const file = join(test.directory, 'there.zip');
    writeFileSync(file, 'precious');
    await expect(run(id, '-o', file)).rejects.toThrow(/exists, and an archive overwrites nothing/);
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });

  it('writes a file for its owner alone, and destroys the keys', async () => {
    const file = join(test.directory, 'keys.zip');
    expect(await run(id, '-o', file)).toMatch(/keys\.zip: 3\.\d kB; the keys in it are nowhere else any more$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(Object.keys(unzipSync(readFileSync(file)))).toContain('0000001-pump-1/key.pem');
    const again = join(test.directory, 'again.zip');
    await expect(run(id, '-o', again)).rejects.toMatchObject({ status: 410 });
    expect(existsSync(again)).toBe(false);
  });
});
