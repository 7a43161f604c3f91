import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import type { Change } from '../../../src/store/change.js';
import { migrations } from '../../../src/store/migrate.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import { auditRecord, caGeneration, credential, now, withFile, withStore } from './temporary-store.js';

const empty: Change = { statements: [], audit: [] };

describe('opening a store', () => {
  it('makes the folder for this user only, and the database and its -wal file too', async () => {
    await withStore(async (store, file) => {
      await store.commit({ ...empty, audit: [auditRecord('a')] });
      expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
    });
  });

  it('migrates an empty database to the latest schema', async () => {
    await withStore(async (store, file) => {
      expect(await store.meta.find('schema_version')).toBe(String(migrations.length));
      expect(await store.catalog.version()).toBe(0);
      expect(await store.catalog.items()).toEqual([]);
      const connection = new SqliteDatabase(file, { readonly: true });
      expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
      expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
      const tables = connection.pragma('table_list') as { name: string; strict: number }[];
      expect(tables.filter(({ name, strict }) => !name.startsWith('sqlite_') && strict !== 1)).toEqual([]);
      connection.close();
    });
  });

  it('finds again what was committed before', async () => {
    await withFile(async (file) => {
      const first = await openStore({ file, synchronous: 'FULL' });
      await first.commit({ ...empty, statements: [first.meta.insert({ name: 'key_check', value: 'x' })] });
      await first.close();
      const second = await openStore({ file, synchronous: 'OFF' });
      expect(await second.meta.find('key_check')).toBe('x');
      await second.close();
    });
  });

  it('refuses a database that a newer version has written, and leaves it alone', async () => {
    await withFile(async (file) => {
      const store = await openStore({ file, synchronous: 'OFF' });
      await store.commit({ ...empty, statements: [store.meta.put({ name: 'schema_version', value: '99' })] });
      await store.close();
      await expect(openStore({ file })).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining('schema version 99'),
      });
      await expect(openStore({ file, readOnly: true })).rejects.toMatchObject({ code: 'internal' });
    });
  });

  it('refuses a file that is no database', async () => {
    await withFile(async (file) => {
      const store = await openStore({ file, synchronous: 'OFF' });
      await store.close();
      writeFileSync(file, 'this is no database, but long enough to be read as a header of one: '.repeat(4));
      await expect(openStore({ file })).rejects.toMatchObject({ code: 'SQLITE_NOTADB' });
    });
  });

  it('read-only, shows what a running gateway commits and writes nothing', async () => {
    await withStore(async (store, file) => {
      const reader = await openStore({ file, readOnly: true });
      await store.commit({ ...empty, audit: [auditRecord('a')] });
      expect((await reader.audit.findById({ id: 'a' }))?.sequence).toBe(1);
      await expect(reader.commit({ ...empty, audit: [auditRecord('b')] })).rejects.toMatchObject({ code: 'internal' });
      await reader.close();
    });
  });

  it('read-only, makes no database where there is none', async () => {
    await withFile(async (file) => {
      await expect(openStore({ file, readOnly: true })).rejects.toThrow();
      expect(() => statSync(file)).toThrow();
    });
  });
});

describe('commit', () => {
  it('leaves nothing of a change that is refused, and applies its neighbours in the same batch', async () => {
    await withStore(async (store) => {
      await store.commit({ ...empty, statements: [store.meta.insert({ name: 'taken', value: '1' })] });
      const results = await Promise.allSettled(
        ['before', 'taken', 'after'].map((name) =>
          store.commit({
            statements: [
              store.meta.insert({ name: `first of ${name}`, value: 'x' }),
              store.meta.insert({ name, value: 'x' }),
            ],
            audit: [auditRecord(name)],
          }),
        ),
      );
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(results[1]).toMatchObject({ reason: { code: 'invalid-state' } });
      expect(await store.meta.find('first of taken')).toBeUndefined();
      expect(await store.meta.find('taken')).toBe('1');
      expect(await store.meta.find('after')).toBe('x');
      expect((await store.audit.list({ limit: 10 })).map(({ id }) => id)).toEqual(['after', 'before']);
    });
  });

  it('is seen by a read that begins after it', async () => {
    await withStore(async (store) => {
      for (let count = 0; count < 20; count++) {
        await store.commit({ ...empty, statements: [store.meta.put({ name: 'count', value: String(count) })] });
        expect(await store.meta.find('count')).toBe(String(count));
      }
    });
  });

  it('reports a constraint that no guard foresaw as internal, with its cause, and goes on', async () => {
    await withStore(async (store) => {
      const twice = { ...empty, audit: [auditRecord('same'), auditRecord('same')] };
      const error = await store.commit(twice).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'internal', cause: { message: expect.stringContaining('UNIQUE') } });
      expect(await store.audit.list({ limit: 10 })).toEqual([]);
      await store.commit({ ...empty, audit: [auditRecord('same')] });
    });
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['a fraction', 1.5],
    ['a number beyond 2^53', 2 ** 53],
    ['a boolean', true],
    ['an array', ['x']],
    ['a date', new Date(now)],
    ['a bigint', 1n],
  ])('refuses %s as a value before it travels', async (_what, value) => {
    await withStore(async (store) => {
      const change = () =>
        store.commit({
          ...empty,
          statements: [store.credentials.insert({ ...credential('c'), ...{ username: value as string } })],
        });
      expect(change).toThrow(expect.objectContaining({ code: 'internal' }));
      const byHand = { sql: 'insert into meta(name, value) values (?, ?)', parameters: ['x', value as string] };
      await expect(store.commit({ ...empty, statements: [byHand] })).rejects.toMatchObject({
        code: 'internal',
        cause: { message: expect.stringContaining('parameter 2') },
      });
      expect(await store.meta.find('x')).toBeUndefined();
    });
  });

  it('refuses an audit record whose content is not a JSON object', async () => {
    await withStore(async (store) => {
      for (const content of ['', '1{}', '[]']) {
        await expect(store.commit({ ...empty, audit: [auditRecord('a', { content })] })).rejects.toMatchObject({
          code: 'internal',
        });
      }
    });
  });

  it('keeps a slice of a larger buffer as the bytes it shows', async () => {
    await withStore(async (store) => {
      const certificate = Buffer.alloc(1_000_000, 7).subarray(10, 15);
      await store.commit({ ...empty, statements: [store.caGenerations.insert(caGeneration({ certificate }))] });
      const found = await store.caGenerations.find({ id: 'plant-1' });
      expect([...(found?.certificate ?? [])]).toEqual([7, 7, 7, 7, 7]);
    });
  });

  it('lets exactly 5 of 50 racing uses of a credential through whose limit is 5', async () => {
    await withStore(async (store) => {
      await store.commit({ ...empty, statements: [store.credentials.insert(credential('c', { usageLimit: 5 }))] });
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) =>
          store.commit({
            statements: [store.credentials.consume({ id: 'c', now })],
            audit: [auditRecord(`use ${index}`)],
          }),
        ),
      );
      const refused = results.filter((result) => result.status === 'rejected');
      expect(refused).toHaveLength(45);
      expect(refused.every(({ reason }) => reason.code === 'bad-secret')).toBe(true);
      expect((await store.credentials.findById({ id: 'c' }))?.uses).toBe(5);
      expect(await store.audit.verifyChain({ from: 1, limit: 100 })).toEqual({
        intact: true,
        checked: 5,
        next: undefined,
      });
    });
  });
});

describe('a database that cannot take changes', () => {
  it('gives unavailable while another connection holds the lock, and recovers', async () => {
    await withStore(
      async (store, file) => {
        const other = new SqliteDatabase(file);
        other.exec('begin immediate');
        const results = await Promise.allSettled([
          store.commit({ ...empty, audit: [auditRecord('a')] }),
          store.commit({ ...empty, audit: [auditRecord('b')] }),
        ]);
        for (const result of results) {
          expect(result).toMatchObject({ reason: { code: 'unavailable', retryAfterSeconds: 5 } });
        }
        expect(await store.audit.list({ limit: 1 })).toEqual([]);
        other.exec('rollback');
        other.close();
        await store.commit({ ...empty, audit: [auditRecord('c')] });
        expect(await store.audit.findById({ id: 'c' })).toMatchObject({ sequence: 1 });
      },
      { limits: { busyTimeoutMilliseconds: 50 } },
    );
  });

  it('gives unavailable for the whole batch when it is full, keeps nothing of it, and recovers', async () => {
    await withStore(
      async (store) => {
        await store.commit({ ...empty, audit: [auditRecord('first')] });
        const large = auditRecord('large', { content: JSON.stringify({ filler: 'x'.repeat(1_000_000) }) });
        const results = await Promise.allSettled([
          store.commit({ ...empty, audit: [auditRecord('small')] }),
          store.commit({ ...empty, audit: [large] }),
          store.commit({ ...empty, statements: [store.meta.insert({ name: 'x', value: 'y' })] }),
        ]);
        for (const result of results) {
          expect(result).toMatchObject({ reason: { code: 'unavailable', retryAfterSeconds: 5 } });
        }
        expect(await store.meta.find('x')).toBeUndefined();
        expect(await store.audit.findById({ id: 'small' })).toBeUndefined();
        await store.commit({ ...empty, audit: [auditRecord('later')] });
        expect(await store.audit.findById({ id: 'later' })).toMatchObject({ sequence: 2 });
      },
      { limits: { pages: 200 } },
    );
  });
});

describe('the queue', () => {
  it('refuses more changes than may wait, and serves again when they are done', async () => {
    await withStore(
      async (store) => {
        const results = await Promise.allSettled(
          Array.from({ length: 15 }, (_, index) => store.commit({ ...empty, audit: [auditRecord(String(index))] })),
        );
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
        expect(results[14]).toMatchObject({ reason: { code: 'unavailable', retryAfterSeconds: 5 } });
        await store.commit({ ...empty, audit: [auditRecord('again')] });
      },
      { limits: { waitingChanges: 10 } },
    );
  });

  it('is drained before the store closes, which takes no changes from then on', async () => {
    await withFile(async (file) => {
      const store = await openStore({ file, synchronous: 'OFF' });
      const commits = Array.from({ length: 600 }, (_, index) =>
        store.commit({ ...empty, audit: [auditRecord(String(index))] }),
      );
      const closed = store.close();
      await expect(store.commit({ ...empty, audit: [auditRecord('late')] })).rejects.toMatchObject({
        code: 'unavailable',
      });
      await Promise.all([...commits, closed]);
      const again = await openStore({ file, synchronous: 'OFF' });
      expect(await again.audit.verifyChain({ from: 1, limit: 1000 })).toMatchObject({ intact: true, checked: 600 });
      await again.close();
    });
  });
});

describe('the audit chain', () => {
  it('stays one chain while another process writes to it', async () => {
    await withStore(async (store, file) => {
      const other = fork(new URL('./audit-writer.js', import.meta.url), [file, '40']);
      const exit = once(other, 'exit');
      await once(other, 'message');
      for (let index = 0; index < 40; index++) {
        await store.commit({ ...empty, audit: [auditRecord(`own ${index}`)] });
      }
      expect((await exit)[0]).toBe(0);
      expect(await store.audit.verifyChain({ from: 1, limit: 1000 })).toEqual({
        intact: true,
        checked: 80,
        next: undefined,
      });
    });
  });

  it('shows a changed, a missing and an exchanged event', async () => {
    const damage = [
      ["update audit_event set content = '{}' where sequence = 3", 3],
      ['delete from audit_event where sequence = 3', 3],
      ['update audit_event set hash = zeroblob(32) where sequence = 2', 2],
    ] as const;
    for (const [sql, sequence] of damage) {
      await withStore(async (store, file) => {
        await store.commit({ ...empty, audit: ['a', 'b', 'c', 'd', 'e'].map((id) => auditRecord(id)) });
        const other = new SqliteDatabase(file);
        other.exec(sql);
        other.close();
        expect(await store.audit.verifyChain({ from: 1, limit: 10 })).toEqual({ intact: false, sequence });
      });
    }
  });

  it('is verified in parts', async () => {
    await withStore(async (store) => {
      await store.commit({ ...empty, audit: ['a', 'b', 'c', 'd', 'e'].map((id) => auditRecord(id)) });
      expect(await store.audit.verifyChain({ from: 1, limit: 2 })).toEqual({ intact: true, checked: 2, next: 3 });
      expect(await store.audit.verifyChain({ from: 3, limit: 2 })).toEqual({ intact: true, checked: 2, next: 5 });
      expect(await store.audit.verifyChain({ from: 5, limit: 2 })).toEqual({
        intact: true,
        checked: 1,
        next: undefined,
      });
    });
  });
});
