import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { countRecords } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

describe('a database that another process has locked', () => {
  it('gives 503 with Retry-After, keeps nothing, and serves again by itself', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=locked' });
    const before = await countRecords(test);
    const other = new SqliteDatabase(test.settings.database);
    other.exec('begin immediate');
    const refused = await est.post('simpleenroll', csr);
    expect([refused.status, refused.text]).toEqual([503, expect.stringMatching(/try again/)]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect((await est.get('cacerts')).status).toBe(200);
    other.exec('rollback');
    other.close();
    expect(await countRecords(test)).toEqual(before);
    expect(certificateOf(await est.post('simpleenroll', csr)).subject).toBe('CN=locked');
  });
});

describe('a disk that is full', () => {
  /** The greatest size of a file that this process may write: past it, writing fails as it does on a full disk. */
  const limitFileSize = (bytes: number | 'unlimited') =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`]);
  const canLimit = spawnSync('prlimit', ['--version']).status === 0;
  if (!canLimit) process.stderr.write('a full disk is not tried: there is no prlimit here\n');

  (canLimit ? it : it.skip)('gives 503 with Retry-After, keeps nothing, and serves again by itself', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=full' });
    const before = await countRecords(test);
    limitFileSize(statSync(`${test.settings.database}-wal`).size);
    const answers = await Promise.all([1, 2, 3].map(() => est.post('simpleenroll', csr)));
    limitFileSize('unlimited');
    for (const { status, headers, text } of answers) {
      expect([status, text]).toEqual([503, expect.stringMatching(/try again/)]);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(await countRecords(test)).toEqual(before);
    expect(certificateOf(await est.post('simpleenroll', csr)).subject).toBe('CN=full');
    expect(await test.gateway.core.store.audit.verifyChain({ from: 1, limit: 10_000 })).toMatchObject({ intact: true });
  });
});
