import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { createAccess } from '../../../src/access/authenticate.js';
import { createLog } from '../../../src/log.js';
import { fleet } from '../../support/fleet.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const remoteAddress = '192.0.2.1';
const authenticate = ({ gateway }: TestGateway, apiKey: string) =>
  createAccess(gateway.core).authenticate({ apiKey, remoteAddress });
const keysOf = ({ gateway }: TestGateway) => gateway.core.store.apiKeys.list({ limit: 10 });
const administrator = { name: 'first-administrator', grants: [{ role: 'solution-administrator' }] };

function forget({ settings }: TestGateway): void {
  const database = new SqliteDatabase(settings.database);
  database.exec('delete from api_key');
  database.close();
}

const running: TestGateway[] = [];
afterAll(async () => {
  for (const test of running) await test.close();
});

describe('A first start with a configuration of its own', () => {
  it('makes one administrator key, in a file for its owner, and tells nobody but where it is', async () => {
    let logged = '';
    const log = createLog('trace', {
      write: (line) => {
        logged += line;
      },
    });
    let test = await startTestGateway({ configuration: fleet, log });
    const file = join(test.directory, 'first-administrator-key');
    const key = readFileSync(file, 'utf8').trim();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await authenticate(test, key)).toMatchObject(administrator);
    const greeting = test.gateway.greeting.join('\n');
    expect(greeting).toContain(file);
    expect(`${greeting}${logged}`).not.toContain(key.slice(12));

    rmSync(file);
    test = await test.restart();
    expect(existsSync(file)).toBe(false);
    expect(test.gateway.greeting).toEqual([]);
    expect(await keysOf(test)).toHaveLength(1);

    // As after a crash between the file and the record, or in a data directory from before there were keys.
    writeFileSync(file, `${key}\n`);
    forget(test);
    test = await test.restart();
    running.push(test);
    expect(await authenticate(test, key)).toMatchObject(administrator);
  });
});

describe('A start with the quickstart', () => {
  it('has the key and the address of the management API among its variables', async () => {
    let test = await startTestGateway();
    const { GATEHOUSE_ADMIN_KEY: key = '', GATEHOUSE_ADMIN_URL: url } = test.environment;
    expect(url).toBe(`https://localhost:${test.settings.adminPort}`);
    expect(await authenticate(test, key)).toMatchObject(administrator);
    expect(existsSync(join(test.directory, 'first-administrator-key'))).toBe(false);

    // A data directory of an older version has neither the secret nor the record.
    const secretsFile = join(test.directory, 'quickstart', 'secrets.env');
    writeFileSync(secretsFile, readFileSync(secretsFile, 'utf8').replace(/^GATEHOUSE_ADMIN_KEY=.*\n/m, ''));
    forget(test);
    test = await test.restart();
    const completed = test.environment.GATEHOUSE_ADMIN_KEY ?? '';
    expect(completed).not.toBe(key);
    expect(await authenticate(test, completed)).toMatchObject(administrator);

    // Whoever has revoked it does not find it again.
    const database = new SqliteDatabase(test.settings.database);
    database.exec('update api_key set revoked_at = 1');
    database.close();
    test = await test.restart();
    running.push(test);
    expect(test.environment).not.toHaveProperty('GATEHOUSE_ADMIN_KEY');
    expect(await keysOf(test)).toHaveLength(1);
  });
});
