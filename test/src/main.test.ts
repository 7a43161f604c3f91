/** The `gatehouse` command as a process. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const nowhere = join(tmpdir(), 'gatehouse-nowhere');

it.each([
  ['0 when done', ['--version'], 0, ''],
  ['1 when it fails', ['status', '--data', nowhere], 1, `gatehouse: there is no database ${nowhere}/gatehouse.sqlite`],
  [
    '1 for settings that are not usable',
    ['status', '--admin-port', 'x'],
    1,
    'gatehouse: these settings are not usable',
  ],
  ['2 for wrong use', ['status', '--jsn'], 2, "gatehouse: unknown option '--jsn'"],
])('exits with %s', (_name, words, status, says) => {
  const ended = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' });
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status, stderr: expect.stringContaining(says) });
});

it('ends without a word when nobody reads its output to the end', () => {
  const pipe = `"${process.execPath}" "${main}" completion bash | head -c 1; exit "\${PIPESTATUS[0]}"`;
  const ended = spawnSync('bash', ['-c', pipe], { encoding: 'utf8' });
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' });
});

it('takes a data directory that is not there for a mistake, and makes none', () => {
  const ended = spawnSync(process.execPath, [main, 'device', 'list', '--data', nowhere], { encoding: 'utf8' });
  expect({ status: ended.status, stderr: ended.stderr, isMade: existsSync(nowhere) }).toEqual({
    status: 1,
    stderr: `gatehouse: there is no database ${nowhere}/gatehouse.sqlite: start the gateway once, or give the --data that it runs with\n`,
    isMade: false,
  });
});
