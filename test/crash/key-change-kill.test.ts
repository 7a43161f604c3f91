import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { openKeyEncryptionKey, reopenKeyEncryptionKey } from '../../src/keys/key-encryption-key.js';
import { openStore } from '../../src/store/sqlite-store.js';

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));

it('a change of the key-encryption key that is killed leaves a database that opens with the one or the other', async () => {
  const data = await mkdtemp(join(tmpdir(), 'gatehouse-kek-'));
  const database = join(data, 'gatehouse.sqlite');
  const key = (number: number) => ({ kind: 'file' as const, file: join(data, `key-${number}`) });
  const store = await openStore({ file: database });
  const first = { kind: 'file' as const, file: join(data, 'key-encryption-key') };
  const before = (await openKeyEncryptionKey({ store, dataDirectory: data, source: first })).derive('sealing');
  try {
    let present = first;
    for (const [number, patience] of [60, 180, 300, 420, 3_000].entries()) {
      const next = key(number);
      const words = ['--data', data, '--kek-file', present.file, 'key', 'change', '--new-file', next.file];
      const child = spawn(process.execPath, [main, ...words], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await Promise.race([ended, sleep(patience)]);
      child.kill('SIGKILL');
      await ended;
      const opening: (typeof first)[] = [];
      for (const source of [present, next]) {
        if (!existsSync(source.file)) continue;
        const kek = await reopenKeyEncryptionKey({ store, source }).catch(() => undefined);
        if (kek === undefined) continue;
        expect(kek.derive('sealing').equals(before)).toBe(true);
        opening.push(source);
      }
      expect(opening).toHaveLength(1);
      present = opening[0] ?? present;
    }
  } finally {
    await store.close();
    await rm(data, { recursive: true, force: true });
  }
});
