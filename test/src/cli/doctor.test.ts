import { chmod, copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { doctorCommand } from '../../../src/cli/doctor.js';
import type { Finding } from '../../../src/cli/finding.js';
import { statusCommand } from '../../../src/cli/status.js';
import { readSettings, type Settings } from '../../../src/settings.js';
import { migrations } from '../../../src/store/migrate.js';
import { fleet } from '../../support/fleet.js';
import { runWithSettings } from '../../support/printed.js';
import { freePorts, startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await chmod(test.directory, 0o700);
});
afterAll(() => test.close());

async function examine(settings: Settings | (() => Settings)): Promise<{ findings: Finding[]; error?: string }> {
  const { text, error } = await runWithSettings(doctorCommand, settings, ['--json']);
  return { findings: JSON.parse(text), ...(error === undefined ? {} : { error }) };
}

/** What is not ok, as `state check: said`. */
async function complaints(settings: Settings | (() => Settings)): Promise<string[]> {
  const { findings } = await examine(settings);
  return findings.filter(({ state }) => state !== 'ok').map(({ state, check, said }) => `${state} ${check}: ${said}`);
}

/** The settings with a copy of the database that was changed. */
async function withDatabase(name: string, sql: string): Promise<Settings> {
  const database = join(test.directory, `${name}.sqlite`);
  const source = new Database(test.settings.database, { readonly: true });
  await source.backup(database);
  source.close();
  await chmod(database, 0o600);
  const copy = new Database(database);
  copy.exec(sql);
  copy.close();
  return { ...test.settings, database };
}

describe('gatehouse doctor', () => {
  it('finds nothing wrong with a gateway that runs, and exits with 0', async () => {
    const { findings, error } = await examine(test.settings);
    expect(error).toBeUndefined();
    const states = findings
      .filter(({ check }) => check !== 'disk space')
      .map(({ check, state }) => `${check} ${state}`);
    expect(states).toEqual(
      'settings/data directory/database integrity/key-encryption key/CA keys/clock/audit log/CA certificates/CRLs/TLS certificate/listeners/listeners/listeners'
        .split('/')
        .map((check) => `${check} ok`),
    );
  });

  it('has a remedy for whatever is not ok, and shows it to people under the finding', async () => {
    const settings = await withDatabase('for-people', `update crl set next_update = 1000`);
    const { findings } = await examine(settings);
    expect(findings.filter(({ state, remedy }) => (state === 'ok') !== (remedy === undefined))).toEqual([]);
    const { text, error } = await runWithSettings(doctorCommand, settings);
    expect(text).toMatch(/^problem {2}CRLs .*has ended at 1970-01-01T00:00:01\.000Z\n {9}-> start the gateway/m);
    expect(error).toMatch(/^[1-9]\d* problems found$/);
  });

  it('names settings that are wrong, and checks nothing else', async () => {
    const wrong = () => readSettings({ flags: { adminPort: 70_000 }, environment: {} });
    expect(await complaints(wrong)).toEqual([
      expect.stringContaining('problem settings: these settings are not usable'),
    ]);
  });

  it('warns of a public name that only this machine understands', async () => {
    expect(await complaints({ ...test.settings, host: '0.0.0.0' })).toEqual([
      'warning settings: devices elsewhere cannot reach localhost, which stands in certificates',
    ]);
  });

  it('finds rights of others to the data directory and to the database', async () => {
    await chmod(test.directory, 0o750);
    expect(await complaints(test.settings)).toEqual([
      `warning data directory: others than its owner have rights to ${test.directory}`,
    ]);
    await chmod(test.directory, 0o700);
    const settings = await withDatabase('open', '');
    await chmod(settings.database, 0o640);
    expect(await complaints(settings)).toEqual([
      `problem data directory: others than its owner have rights to ${settings.database}`,
    ]);
  });

  it('finds a key-encryption key that is missing or another one, and makes none', async () => {
    const kekFile = join(test.directory, 'other-key');
    expect(await complaints({ ...test.settings, kekFile })).toEqual([
      expect.stringContaining('problem key-encryption key: cannot read'),
    ]);
    await writeFile(kekFile, Buffer.alloc(32, 1), { mode: 0o600 });
    expect(await complaints({ ...test.settings, kekFile })).toEqual([
      expect.stringContaining('problem key-encryption key: the key-encryption key does not fit'),
    ]);
    await rm(kekFile);
  });

  it.each([
    ['clock', `update audit_event set at = at + 86400000000`, 'problem clock: it is '],
    [
      'audit',
      `update audit_event set content = '{}' where sequence = 2`,
      'problem audit log: the audit log was changed',
    ],
    [
      'ended',
      `update ca_generation set not_after = 1000 where id = 'devices-1'`,
      'problem CA certificates: devices-1 has ended',
    ],
    [
      'near',
      `update ca_generation set not_before = 0, not_after = (unixepoch() + 86400) * 1000 where id = 'devices-1'`,
      'warning CA certificates: devices-1 ends at',
    ],
    [
      'late',
      `update crl set this_update = this_update - 90000000 where issuer_id = 'devices-1'`,
      'warning CRLs: the CRL of devices-1, partition 0,',
    ],
    [
      'waiting',
      `insert into ca_request (ca, number, key_id, public_key, request, created_at) select ca, 2, key_id, x'00', x'00', 0 from ca_generation where id = 'devices-1'`,
      'warning CA certificates: devices-2 waits to be certified by root',
    ],
    ['none', `delete from crl where issuer_id = 'devices-1'`, 'problem CRLs: devices-1 has no CRL'],
    [
      'unmade',
      `delete from crl where issuer_id = 'devices-1'; delete from crl_revision where issuer_id = 'devices-1'; delete from certificate; delete from ca_generation where id = 'devices-1'`,
      'problem CA certificates: devices has no key',
    ],
    [
      'newer',
      `update meta set value = '${migrations.length + 1}' where name = 'schema_version'`,
      'problem database: the database has schema version',
    ],
  ])('finds what is wrong in the database: %s', async (name, sql, complaint) => {
    expect(await complaints(await withDatabase(name, sql))).toEqual([expect.stringContaining(complaint)]);
  });

  it('finds a damaged database, and draws no conclusions from what it says', async () => {
    const database = join(test.directory, 'damaged.sqlite');
    await copyFile(test.settings.database, database);
    await writeFile(database, 'no database at all'.repeat(1000), { mode: 0o600 });
    await chmod(database, 0o600);
    expect(await complaints({ ...test.settings, database })).toEqual([
      expect.stringContaining('problem database integrity: the database is damaged'),
    ]);
  });

  it('tells a gateway that does not run from one that runs in part', async () => {
    const [deviceTlsPort = 0, deviceHttpPort = 0, adminPort = 0] = await freePorts(3);
    expect(await complaints({ ...test.settings, deviceTlsPort, deviceHttpPort, adminPort })).toEqual([
      expect.stringContaining('warning TLS certificate: it cannot be looked at'),
      expect.stringContaining('warning listeners: no gateway answers'),
    ]);
    expect(await complaints({ ...test.settings, adminPort })).toEqual([
      expect.stringContaining(`problem listeners: admin TLS does not answer at 127.0.0.1:${adminPort}`),
    ]);
  });

  it('finds a TLS certificate without the public name', async () => {
    expect(await complaints({ ...test.settings, publicName: 'est.example.com' })).toEqual([
      'problem TLS certificate: it does not have est.example.com',
    ]);
  });

  it('says what to do where there is nothing yet, and makes nothing', async () => {
    const data = join(test.directory, 'nothing');
    const settings = readSettings({ flags: { data }, environment: {} });
    expect(await complaints(settings)).toEqual([`problem data directory: there is no ${data}`]);
  });
});

describe('gatehouse status', () => {
  it('shows what there is as JSON', async () => {
    const { text } = await runWithSettings(statusCommand, test.settings, ['--json']);
    expect(JSON.parse(text)).toMatchObject({
      database: { file: test.settings.database, schemaVersion: migrations.length },
      catalogVersion: 1,
      policies: [{ name: 'fleet', issuingCa: 'devices', methods: ['est', 'scep', 'cmp'], isDefault: true }],
      certificateAuthorities: [
        { id: 'devices-1', state: 'current', end: 'far', crls: [{ partition: 0, freshness: 'fresh' }] },
        { id: 'root-1', state: 'current', end: 'far', crls: [{ partition: 0, freshness: 'fresh' }] },
      ],
      devices: {},
      certificates: { valid: 0, expiringIn30Days: 0, held: 0, revoked: 0, total: 0 },
      pendingRequests: 0,
      listeners: [{ answers: true }, { answers: true }, { answers: true, said: 'ready' }],
    });
  });

  it('counts valid, expiring, held and revoked certificates, devices by state, and pending requests', async () => {
    const settings = await withDatabase(
      'counted',
      `update certificate set usage = 'operational', status = 'valid', not_after = (unixepoch() + 86400) * 1000;
       update certificate set status = 'revoked' where id = (select min(id) from certificate);
       insert into device(id, division, name, group_name, state, identifiers, attributes, created_at, updated_at)
         values ('1', 'plant', 'a', 'pumps', 'operational', '{}', '{}', 1, 1), ('2', 'plant', 'b', 'pumps', 'retired', '{}', '{}', 1, 1)`,
    );
    const status = JSON.parse((await runWithSettings(statusCommand, settings, ['--json'])).text);
    const { total } = status.certificates;
    expect(total).toBeGreaterThan(0);
    expect(status.certificates).toEqual({ valid: total - 1, expiringIn30Days: total - 1, held: 0, revoked: 1, total });
    expect(status.devices).toEqual({ operational: 1, retired: 1 });
  });

  it('shows tables to people', async () => {
    const { text } = await runWithSettings(statusCommand, test.settings);
    expect(text).toMatch(/^LISTENER {5}ADDRESS +STATE$/m);
    expect(text).toMatch(/^admin TLS {4}127\.0\.0\.1:\d+ +ready$/m);
    expect(text).toMatch(/^fleet \(default\) {2}devices {5}est scep cmp$/m);
    expect(text).toMatch(/^devices-1 {6}current {2}\d{4}-\d\d-\d\d {2}fresh, valid until /m);
  });

  it('says that there is no database, and makes none', async () => {
    const settings = { ...test.settings, database: join(test.directory, 'absent.sqlite') };
    expect((await runWithSettings(statusCommand, settings)).error).toContain('there is no database');
  });
});
