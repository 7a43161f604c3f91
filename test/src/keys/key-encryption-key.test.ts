import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { KekSource } from '../../../src/keys/kek-source.js';
import { type KeyEncryptionKey, openKeyEncryptionKey } from '../../../src/keys/key-encryption-key.js';
import { KeyEncryptionKeyError } from '../../../src/keys/key-encryption-key-error.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import type { Store } from '../../../src/store/store.js';
import { withStore } from '../store/temporary-store.js';

interface Place {
  readonly store: Store;
  readonly database: string;
  readonly dataDirectory: string;
  readonly file: string;
}

async function inDataDirectory(work: (place: Place) => Promise<void>): Promise<void> {
  await withStore(async (store, database) => {
    const dataDirectory = dirname(database);
    await work({ store, database, dataDirectory, file: join(dataDirectory, 'key-encryption-key') });
  });
}

const at = (file: string): KekSource => ({ kind: 'file', file });

function openOwn(store: Store, dataDirectory: string): Promise<KeyEncryptionKey> {
  return openKeyEncryptionKey({ store, dataDirectory, source: at(join(dataDirectory, 'key-encryption-key')) });
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'opened',
    (error) => (error instanceof KeyEncryptionKeyError ? error.message : `unexpected ${error}`),
  );
}

describe('key-encryption key', () => {
  it('is made at the first start, 32 bytes that only the owner may read, and nothing else is left', async () => {
    await inDataDirectory(async ({ store, dataDirectory, file }) => {
      const before = readdirSync(dataDirectory);
      await openKeyEncryptionKey({ store, dataDirectory, source: at(file) });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(file).size).toBe(32);
      expect(readdirSync(dataDirectory).filter((name) => !before.includes(name))).toEqual(['key-encryption-key']);
    });
  });

  it('derives the same keys at every start, another one for each purpose, and none is the key itself', async () => {
    await inDataDirectory(async ({ store, dataDirectory, file }) => {
      const first = await openOwn(store, dataDirectory);
      const again = await openOwn(store, dataDirectory);
      expect(first.derive('sealing').export()).toEqual(again.derive('sealing').export());
      expect(first.derive('sealing').symmetricKeySize).toBe(32);
      const purposes = ['sealing', 'passcodes', 'acme-nonces'] as const;
      const all = [...purposes.map((purpose) => first.derive(purpose).export()), readFileSync(file)];
      const check = await store.meta.find('key-encryption-key-check');
      expect(new Set([...all.map((bytes) => bytes.toString('hex')), check]).size).toBe(5);
    });
  });

  it('is taken from the file that the operator names, through a link too', async () => {
    await inDataDirectory(async ({ store, dataDirectory, file }) => {
      const own = join(dataDirectory, 'own');
      writeFileSync(own, randomBytes(32), { mode: 0o400 });
      symlinkSync(own, join(dataDirectory, 'link'));
      const key = await openKeyEncryptionKey({ store, dataDirectory, source: at(own) });
      const same = await openKeyEncryptionKey({ store, dataDirectory, source: at(join(dataDirectory, 'link')) });
      expect(key.derive('sealing').equals(same.derive('sealing'))).toBe(true);
      expect(existsSync(file)).toBe(false);
    });
  });

  it('is not made where the operator said that it is', async () => {
    await inDataDirectory(async ({ store, dataDirectory }) => {
      const own = join(dataDirectory, 'own');
      expect(await refusalOf(openKeyEncryptionKey({ store, dataDirectory, source: at(own) }))).toContain(
        `openssl rand -out ${own} 32`,
      );
      expect(existsSync(own)).toBe(false);
    });
  });

  it.each([0o640, 0o604, 0o620, 0o666])(
    'is refused with mode %o, and the refusal says how to mend it',
    async (mode) => {
      await inDataDirectory(async ({ store, dataDirectory, file }) => {
        await openOwn(store, dataDirectory);
        chmodSync(file, mode);
        expect(await refusalOf(openOwn(store, dataDirectory))).toContain(`chmod 600 ${file}`);
        chmodSync(file, 0o600);
        expect(await refusalOf(openOwn(store, dataDirectory))).toBe('opened');
      });
    },
  );

  it.each([0, 31, 33, 64])('is refused when it has %d bytes', async (size) => {
    await inDataDirectory(async ({ store, dataDirectory, file }) => {
      writeFileSync(file, randomBytes(size), { mode: 0o600 });
      expect(await refusalOf(openOwn(store, dataDirectory))).toContain('exactly 32 bytes');
    });
  });

  it('is refused when it is a folder', async () => {
    await inDataDirectory(async ({ store, dataDirectory }) => {
      expect(await refusalOf(openKeyEncryptionKey({ store, dataDirectory, source: at(dataDirectory) }))).toContain(
        'exactly 32 bytes',
      );
    });
  });

  it('is refused when the database was sealed with another one', async () => {
    await inDataDirectory(async ({ store, dataDirectory, file }) => {
      await openOwn(store, dataDirectory);
      writeFileSync(file, randomBytes(32));
      expect(await refusalOf(openOwn(store, dataDirectory))).toContain('does not fit this database');
    });
  });

  it('is not made anew when it is lost', async () => {
    await inDataDirectory(async ({ store, dataDirectory, file }) => {
      await openOwn(store, dataDirectory);
      rmSync(file);
      expect(await refusalOf(openOwn(store, dataDirectory))).toContain('restore it from your backup');
      expect(existsSync(file)).toBe(false);
    });
  });

  it('is one and the same for two processes at a first start', async () => {
    await inDataDirectory(async ({ store, database, dataDirectory }) => {
      const other = await openStore({ file: database, synchronous: 'OFF' });
      try {
        const keys = await Promise.all([store, other, store, other].map((each) => openOwn(each, dataDirectory)));
        expect(new Set(keys.map((key) => key.derive('sealing').export().toString('hex'))).size).toBe(1);
      } finally {
        await other.close();
      }
    });
  });
});
