import { createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { type KekSource, parseKek } from '../../../src/keys/kek-source.js';
import {
  changeKeyEncryptionKey,
  openKeyEncryptionKey,
  reopenKeyEncryptionKey,
} from '../../../src/keys/key-encryption-key.js';
import { KeyEncryptionKeyError } from '../../../src/keys/key-encryption-key-error.js';
import { createPasscodeLookup } from '../../../src/keys/passcode-lookup.js';
import type { Store } from '../../../src/store/store.js';
import { withStore } from '../store/temporary-store.js';

interface Place {
  readonly store: Store;
  readonly database: string;
  readonly folder: string;
  readonly own: KekSource;
  passphrase(text: string): KekSource;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  await withStore(async (store, database) => {
    const folder = dirname(database);
    const passphrase = (text: string): KekSource => {
      const file = join(folder, 'passphrase');
      writeFileSync(file, text, { mode: 0o600 });
      return { kind: 'passphrase', file };
    };
    await work({
      store,
      database,
      folder,
      own: { kind: 'file', file: join(folder, 'key-encryption-key') },
      passphrase,
    });
  });
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'opened',
    (error) => (error instanceof KeyEncryptionKeyError ? error.message : `unexpected ${error}`),
  );
}

/** What everything sealed, and every passcode's look-up, depends on. */
async function secretsOf(store: Store, source: KekSource): Promise<string[]> {
  const kek = await reopenKeyEncryptionKey({ store, source });
  const lookup = createPasscodeLookup(kek.derive('passcodes'));
  return [kek.derive('sealing').export().toString('hex'), lookup('fleet', 'passcode')];
}

describe('changing the key-encryption key', () => {
  it('from file to passphrase to environment leaves everything sealed and every passcode as it is', async () => {
    await inPlace(async ({ store, folder, own, passphrase }) => {
      await openKeyEncryptionKey({ store, dataDirectory: folder, source: own });
      const before = await secretsOf(store, own);
      const asPassphrase = passphrase('a passphrase of some length\n');
      await changeKeyEncryptionKey({ store, from: own, to: asPassphrase, audit: [] });
      expect(await secretsOf(store, asPassphrase)).toEqual(before);
      expect(await refusalOf(secretsOf(store, own))).toContain('sealed with a passphrase');
      const asValue = parseKek('GATEHOUSE_KEK', randomBytes(32).toString('hex'));
      await changeKeyEncryptionKey({ store, from: asPassphrase, to: asValue, audit: [] });
      expect(await secretsOf(store, asValue)).toEqual(before);
      expect(await refusalOf(secretsOf(store, asPassphrase))).toContain('sealed with a key, not with a passphrase');
      expect(await refusalOf(secretsOf(store, own))).toContain('does not fit this database');
    });
  });

  it('makes the new file where it is not there, and writes no secret into the row', async () => {
    await inPlace(async ({ store, folder, own }) => {
      await openKeyEncryptionKey({ store, dataDirectory: folder, source: own });
      const to: KekSource = { kind: 'file', file: join(folder, 'new', 'key') };
      await changeKeyEncryptionKey({ store, from: own, to, audit: [] });
      expect(statSync(to.file).mode & 0o777).toBe(0o600);
      expect(existsSync(join(folder, 'key-encryption-key'))).toBe(true);
      const row = (await store.meta.find('master-key')) ?? '';
      expect(row).not.toContain(readFileSync(to.file).toString('hex'));
    });
  });

  it('of a database from before there were master keys keeps what its key was as the master key', async () => {
    await inPlace(async ({ store, folder, own, passphrase }) => {
      const bytes = randomBytes(32);
      const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', bytes, '', `gatehouse ${purpose}`, 32));
      writeFileSync(join(folder, 'key-encryption-key'), bytes, { mode: 0o600 });
      const value = derived('check').toString('hex');
      const statements = [store.meta.insert({ name: 'key-encryption-key-check', value })];
      await store.commit({ statements, audit: [] });
      await openKeyEncryptionKey({ store, dataDirectory: folder, source: own });
      expect(await store.meta.find('master-key')).toBeUndefined();
      const [sealing] = await secretsOf(store, own);
      expect(sealing).toBe(derived('sealing').toString('hex'));
      const to = passphrase('another passphrase');
      await changeKeyEncryptionKey({ store, from: own, to, audit: [] });
      expect((await secretsOf(store, to))[0]).toBe(sealing);
      expect(await refusalOf(secretsOf(store, own))).toContain('sealed with a passphrase');
    });
  });

  it('is refused with another key than the present one, and where another change was first', async () => {
    await inPlace(async ({ store, folder, own }) => {
      await openKeyEncryptionKey({ store, dataDirectory: folder, source: own });
      const row = await store.meta.find('master-key');
      const value = () => parseKek('GATEHOUSE_NEW', randomBytes(32).toString('base64'));
      const wrong = changeKeyEncryptionKey({ store, from: value(), to: value(), audit: [] });
      expect(await refusalOf(wrong)).toContain('does not fit this database');
      expect(await store.meta.find('master-key')).toBe(row);
      const both = [value(), value()].map((to) => changeKeyEncryptionKey({ store, from: own, to, audit: [] }));
      const outcomes = await Promise.allSettled(both);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'invalid-state' } });
    });
  });
});

describe('a passphrase', () => {
  it('seals a new database, opens it again, and is told from a wrong one', async () => {
    await inPlace(async ({ store, folder, passphrase }) => {
      const source = passphrase('the right passphrase\n');
      const first = await openKeyEncryptionKey({ store, dataDirectory: folder, source });
      expect(existsSync(join(folder, 'key-encryption-key'))).toBe(false);
      passphrase('the right passphrase');
      const again = await reopenKeyEncryptionKey({ store, source });
      expect(again.derive('sealing').equals(first.derive('sealing'))).toBe(true);
      passphrase('the wrong passphrase');
      const row = await store.meta.find('master-key');
      expect(await refusalOf(reopenKeyEncryptionKey({ store, source }))).toBe(
        `the key-encryption key does not fit this database: the passphrase in ${join(folder, 'passphrase')} is not what it was sealed with`,
      );
      expect(await store.meta.find('master-key')).toBe(row);
    });
  });

  it.each([
    ['too short', 'short'],
    ['two lines', 'a passphrase of\ntwo lines'],
    ['too long', 'x'.repeat(1100)],
  ])('is refused: %s', async (_name, text) => {
    await inPlace(async ({ store, folder, passphrase }) => {
      const opening = openKeyEncryptionKey({ store, dataDirectory: folder, source: passphrase(text) });
      expect(await refusalOf(opening)).toContain('one line with a passphrase of 12 to 1024 characters');
      expect(await store.meta.find('master-key')).toBeUndefined();
    });
  });
});

describe('the master key in the database', () => {
  it('that was damaged is told from a wrong key-encryption key', async () => {
    await inPlace(async ({ store, database, folder, own }) => {
      await openKeyEncryptionKey({ store, dataDirectory: folder, source: own });
      const change = (sql: string) => {
        const raw = new Database(database);
        raw.exec(`update meta set value = ${sql} where name = 'master-key'`);
        raw.close();
      };
      change(`replace(value, '"sealed":"01', '"sealed":"01ff')`);
      expect(await refusalOf(secretsOf(store, own))).toContain('the master key in the database is damaged');
      change(`'{}'`);
      expect(await refusalOf(secretsOf(store, own))).toContain('the master key in the database is damaged');
      change(`'not JSON'`);
      expect(await refusalOf(secretsOf(store, own))).toContain('the master key in the database is damaged');
    });
  });
});

describe('GATEHOUSE_KEK', () => {
  it.each([
    ['short', 'abcd'],
    ['no hex', 'g'.repeat(64)],
    ['31 octets', randomBytes(31).toString('base64')],
  ])('is refused without telling it: %s', (_name, text) => {
    expect(() => parseKek('GATEHOUSE_KEK', text)).toThrow(KeyEncryptionKeyError);
    expect(() => parseKek('GATEHOUSE_KEK', text)).not.toThrow(text);
  });

  it('is the same key in hex and in base64', () => {
    const bytes = randomBytes(32);
    const key = createSecretKey(bytes);
    for (const text of [bytes.toString('hex'), bytes.toString('base64')]) {
      const source = parseKek('GATEHOUSE_KEK', text);
      expect(source.kind === 'environment' && source.key.equals(key)).toBe(true);
      expect(JSON.stringify(source)).not.toContain(text);
    }
  });
});
