import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
