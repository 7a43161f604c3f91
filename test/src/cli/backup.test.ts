import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { backUpCommand } from '../../../src/cli/backup.js';
import { restoreCommand } from '../../../src/cli/restore.js';
import { systemClock } from '../../../src/clock.js';
import { createLog } from '../../../src/log.js';
import { openCore } from '../../../src/open-core.js';
import { readSettings, type Settings } from '../../../src/settings.js';
import { migrations } from '../../../src/store/migrate.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import { fleet } from '../../support/fleet.js';
import { runWithSettings } from '../../support/printed.js';
import { freePorts, startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let backup: string;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  backup = join(test.directory, 'good.backup');
  const { error } = await runWithSettings(backUpCommand, test.settings, [backup]);
  if (error !== undefined) throw new Error(error);
});
afterAll(() => test.close());

/** Settings of another gateway, whose data directory has the key unless told otherwise. */
async function elsewhere(name: string, { withKey = true } = {}): Promise<Settings> {
  const data = join(test.directory, name);
  const [deviceTlsPort, deviceHttpPort, adminPort] = await freePorts(3);
  await mkdir(data, { mode: 0o700 });
  if (withKey) await copyFile(test.settings.kekFile, join(data, 'key-encryption-key'));
  return readSettings({ flags: { data, deviceTlsPort, deviceHttpPort, adminPort }, environment: {} });
}

/** A backup that was tampered with. */
async function changed(name: string, sql: string): Promise<string> {
  const file = join(test.directory, name);
  await copyFile(backup, file);
  const database = new Database(file);
  database.exec(sql);
  database.close();
  return file;
}

describe('gatehouse backup', () => {
  it('copies a database in use into one verified file for its owner only, and says what is in it', async () => {
    const file = join(test.directory, 'one.backup');
    const { text, error } = await runWithSettings(backUpCommand, test.settings, [file]);
    expect(error).toBeUndefined();
    expect(text).toMatch(/one\.backup: [\d.]+ kB, verified\n/);
    expect(text).toMatch(/\n\d+ certificates? \(\d+ valid\), 0 devices, 2 CA generations\n/);
    expect(text).toMatch(/\n\d+ audit events, chain intact; the last is \d+ with hash [0-9a-f]{64}\n/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(test.directory)).filter((name) => name.startsWith('one.backup'))).toEqual(['one.backup']);
  });

  it('prints JSON for programs', async () => {
    const file = join(test.directory, 'json.backup');
    const { text } = await runWithSettings(backUpCommand, test.settings, [file, '--json']);
    expect(JSON.parse(text)).toMatchObject({
      file,
      bytes: (await stat(file)).size,
      devices: 0,
      caGenerations: 2,
      lastEvent: { hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const settings = await elsewhere('json');
    const restored = await runWithSettings(restoreCommand, settings, [file, '--json']);
    expect(JSON.parse(restored.text)).toMatchObject({ file, database: settings.database, caKeys: expect.any(Number) });
  });

  it('says that the key-encryption key is not in it, and it is not', async () => {
    const { text } = await runWithSettings(backUpCommand, test.settings, [join(test.directory, 'two.backup')]);
    expect(text).toContain(`the key-encryption key ${test.settings.kekFile} is not in it`);
    const key = await readFile(test.settings.kekFile);
    expect((await readFile(join(test.directory, 'two.backup'))).includes(key)).toBe(false);
  });

  it('overwrites nothing', async () => {
    const file = join(test.directory, 'mine');
    await writeFile(file, 'mine');
    expect((await runWithSettings(backUpCommand, test.settings, [file])).error).toContain('overwrites nothing');
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  it('names what is missing: the folder, the database', async () => {
    const inNoFolder = join(test.directory, 'nowhere', 'backup');
    expect((await runWithSettings(backUpCommand, test.settings, [inNoFolder])).error).toContain('there is no folder');
    const settings = { ...test.settings, database: join(test.directory, 'none.sqlite') };
    const target = join(test.directory, 'of-nothing');
    expect((await runWithSettings(backUpCommand, settings, [target])).error).toContain('there is no database');
  });

  it('leaves no file of a database whose audit log was changed', async () => {
    const database = await changed('changed.sqlite', `update audit_event set content = '{}' where sequence = 2`);
    const { error } = await runWithSettings(backUpCommand, { ...test.settings, database }, [
      join(test.directory, 'of-changed'),
    ]);
    expect(error).toBe('the audit log was changed: event 2 does not fit');
    expect((await readdir(test.directory)).filter((name) => name.startsWith('of-changed'))).toEqual([]);
  });
});

describe('gatehouse restore', () => {
  it('brings everything back, opened by the key, with an audit event', async () => {
    const settings = await elsewhere('restored');
    const { text, error } = await runWithSettings(restoreCommand, settings, [backup]);
    expect(error).toBeUndefined();
    expect(text).toContain('opens it: 2 CA keys');
    expect(text).toContain('next: gatehouse doctor, then start the gateway');
    expect((await readdir(settings.data)).sort()).toEqual(['gatehouse.sqlite', 'key-encryption-key']);
    expect((await stat(settings.database)).mode & 0o777).toBe(0o600);
    const store = await openStore({ file: settings.database });
    try {
      expect(await store.caGenerations.all()).toEqual(await test.gateway.core.store.caGenerations.all());
      const [event] = await store.audit.list({ limit: 1 });
      expect(event).toMatchObject({ action: 'database.restored', subject: 'good.backup' });
      expect(await store.audit.verifyChain({ from: 1, limit: 10_000 })).toMatchObject({ intact: true });
    } finally {
      await store.close();
    }
  });

  it('has every CRL made anew, with a number above all that were published after the backup (RFC 5280 5.2.3)', async () => {
    const place = { issuerId: 'devices-1', partition: 0 };
    const settings = await elsewhere('numbered');
    expect((await runWithSettings(restoreCommand, settings, [backup])).text).toContain('CRLs are made anew');
    const lost = await test.gateway.core.crls.publish(place.issuerId, place.partition);
    const core = await openCore({ settings, log: createLog('silent'), clock: systemClock });
    try {
      expect(await core.store.crls.changed({})).toHaveLength((await core.store.crls.headers({})).length);
      await core.crls.publishChanged();
      const next = await core.store.crls.find(place);
      expect(next?.number).toBeGreaterThan(lost.number);
      expect(next?.baseNumber).toBe(next?.number);
    } finally {
      await core.close();
    }
  });

  it('refuses a data directory with anything but the key in it', async () => {
    const settings = await elsewhere('full');
    await writeFile(join(settings.data, 'quickstart.env'), '');
    const { error } = await runWithSettings(restoreCommand, settings, [backup]);
    expect(error).toContain('is not empty (quickstart.env)');
    expect((await runWithSettings(restoreCommand, test.settings, [backup])).error).toContain('is not empty');
  });

  it('overwrites no database outside the data directory', async () => {
    const database = join(test.directory, 'kept.sqlite');
    await writeFile(database, 'kept');
    const settings = { ...(await elsewhere('outside')), database };
    expect((await runWithSettings(restoreCommand, settings, [backup])).error).toContain('overwrites nothing');
    expect(await readFile(database, 'utf8')).toBe('kept');
  });

  it('refuses while a gateway answers on the ports of the settings', async () => {
    const { adminPort } = test.settings;
    const settings = { ...(await elsewhere('running')), adminPort };
    const { error } = await runWithSettings(restoreCommand, settings, [backup]);
    expect(error).toContain(`something answers at 127.0.0.1:${adminPort} (admin TLS)`);
  });

  it.each([
    ['without the key', false, 'cannot read the key-encryption key'],
    ['with another key', true, 'the key-encryption key does not fit this database'],
  ])('refuses %s, and leaves nothing behind', async (name, withOther, message) => {
    const settings = await elsewhere(name, { withKey: false });
    if (withOther) await writeFile(settings.kekFile, Buffer.alloc(32, 7), { mode: 0o600 });
    expect((await runWithSettings(restoreCommand, settings, [backup])).error).toContain(message);
    expect(await readdir(settings.data)).toEqual(withOther ? ['key-encryption-key'] : []);
  });

  it.each([
    ['newer', `update meta set value = '${migrations.length + 1}' where name = 'schema_version'`, 'newer version'],
    ['forged', `update audit_event set content = '{}' where sequence = 3`, 'event 3 does not fit'],
    ['foreign', `delete from meta where name = 'key-encryption-key-check'`, 'no gateway has started on this database'],
    [
      'resealed',
      `update key set sealed = zeroblob(length(sealed))`,
      'the key of the CA generation devices-1 does not open',
    ],
  ])('refuses a %s backup, and leaves nothing behind', async (name, sql, message) => {
    const settings = await elsewhere(name);
    const file = await changed(`${name}.backup`, sql);
    expect((await runWithSettings(restoreCommand, settings, [file])).error).toContain(message);
    expect(await readdir(settings.data)).toEqual(['key-encryption-key']);
  });

  it('refuses what is no database, one that is damaged, and no file at all', async () => {
    const settings = await elsewhere('damaged');
    const text = join(test.directory, 'text.backup');
    await writeFile(text, 'a text that is long enough not to be taken for an empty database'.repeat(100));
    expect((await runWithSettings(restoreCommand, settings, [text])).error).toContain('is not a backup');
    const damaged = join(test.directory, 'damaged.backup');
    const bytes = await readFile(backup);
    await writeFile(damaged, bytes.fill(0xa5, 4096 * 4, 4096 * 12));
    expect((await runWithSettings(restoreCommand, settings, [damaged])).error).toContain('damaged');
    expect((await runWithSettings(restoreCommand, settings, [join(test.directory, 'none')])).error).toContain(
      'there is no file',
    );
    expect(await readdir(settings.data)).toEqual(['key-encryption-key']);
  });
});
