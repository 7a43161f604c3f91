import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openCompromisedKeys } from '../../src/compromised-keys.js';
import { createLog } from '../../src/log.js';

const log = createLog('silent');
const first = 'a'.repeat(64);
const second = 'b'.repeat(64);
let directory: string;
let file: string;
let writes = 0;

beforeEach(() => {
  jest.useFakeTimers();
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'));
  file = join(directory, 'compromised.txt');
});
afterEach(() => {
  jest.useRealTimers();
  rmSync(directory, { recursive: true });
});

function write(text: string): void {
  writeFileSync(file, text);
  // Two writes within the file system's resolution of time still differ.
  writes++;
  utimesSync(file, writes, writes);
}

describe('the file of compromised keys', () => {
  it('has one SPKI SHA-256 hash in hex a line, with comments', () => {
    write(`# list of 2026\n\n${first.toUpperCase()}  # found in firmware 1.2\n`);
    const keys = openCompromisedKeys(file, log);
    expect(keys.has(first)).toBe(true);
    expect(keys.has(second)).toBe(false);
    keys.close();
  });

  it('is read again when it changes; a bad one leaves what was read before in force', () => {
    write(first);
    const keys = openCompromisedKeys(file, log);
    write(`${first}\n${second}`);
    jest.advanceTimersByTime(5_000);
    expect(keys.has(second)).toBe(true);
    write('no hash');
    jest.advanceTimersByTime(5_000);
    expect(keys.has(second)).toBe(true);
    rmSync(file);
    jest.advanceTimersByTime(5_000);
    expect(keys.has(second)).toBe(true);
    write(first);
    jest.advanceTimersByTime(5_000);
    expect([keys.has(first), keys.has(second)]).toEqual([true, false]);
    keys.close();
  });

  it('stops the start when it cannot be used, by file and line', () => {
    write(`${first}\nnonsense`);
    expect(() => openCompromisedKeys(file, log)).toThrow(`${file}:2: not a SHA-256 hash of 64 hex digits`);
    expect(() => openCompromisedKeys(join(directory, 'missing'), log)).toThrow(/ENOENT/);
  });

  it('has no keys where none is configured', () => {
    expect(openCompromisedKeys(undefined, log).has(first)).toBe(false);
  });
});
