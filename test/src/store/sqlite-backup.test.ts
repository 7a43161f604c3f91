import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { copyDatabase, findDamage, nameDatabase } from '../../../src/store/sqlite-backup.js';

let folder: string;
let writer: Database.Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-backup-'));
  writer = new Database(join(folder, 'live.sqlite'));
  writer.pragma('journal_mode = WAL');
  writer.exec('create table line(text)');
  writer.transaction(() => {
    for (let i = 0; i < 10_000; i++) insert();
  })();
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true, force: true });
});

function insert(): void {
  writer.prepare('insert into line values (?)').run('x'.repeat(2000));
}

describe('copyDatabase', () => {
  it('copies one moment of a database that is written to all the time, and comes to an end', async () => {
    const target = join(folder, 'copy.sqlite');
    const seen: number[] = [];
    await copyDatabase(join(folder, 'live.sqlite'), target, ({ copied }) => {
      seen.push(copied);
      insert();
    });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    const copy = new Database(target, { readonly: true });
    expect(copy.prepare('select count(*) as count from line').get()).toEqual({ count: 10_000 });
    copy.close();
    expect(findDamage(target)).toEqual([]);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.startsWith('copy'))).toEqual(['copy.sqlite']);
  });

  it('leaves a file alone that has the name of the copy', async () => {
    const target = join(folder, 'taken');
    writeFileSync(target, 'taken');
    await expect(copyDatabase(join(folder, 'live.sqlite'), target, () => undefined)).rejects.toThrow('EEXIST');
    expect(readFileSync(target, 'utf8')).toBe('taken');
  });
});

describe('nameDatabase', () => {
  it('replaces nothing', async () => {
    writeFileSync(join(folder, 'unfinished'), 'new');
    writeFileSync(join(folder, 'taken'), 'old');
    await expect(nameDatabase(join(folder, 'unfinished'), join(folder, 'taken'))).rejects.toThrow('EEXIST');
    expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe('old');
    await nameDatabase(join(folder, 'unfinished'), join(folder, 'free'));
    expect(readFileSync(join(folder, 'free'), 'utf8')).toBe('new');
  });
});
