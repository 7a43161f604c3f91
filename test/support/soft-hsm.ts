/** Tokens of SoftHSM in a temporary folder, as an HSM for tests. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { requireTool } from './interop.js';

export interface SoftHsm {
  readonly directory: string;
  /** The PKCS#11 library. */
  readonly module: string;
  /** File with the PIN of the token `gatehouse`. */
  readonly pinFile: string;
  /** Runs one of its tools. @throws Error with what it said when it fails */
  run(command: string, ...words: string[]): string;
  remove(): void;
}

export const pin = 'correct-pin';

/** Runs a suite where there are SoftHSM and the package that drives it; else skips it and prints why. */
export function describeWithHsm(name: string, suite: () => void): void {
  const isHere = requireTool('softhsm2-util', name) && hasPackage(name);
  (isHere ? describe : describe.skip)(name, suite);
}

/** Makes the token `gatehouse`, which processes that this one starts can use too. Remove it, so that nothing is left. */
export function makeSoftHsm(): SoftHsm {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-hsm-'));
  const configuration = join(directory, 'softhsm2.conf');
  mkdirSync(join(directory, 'tokens'));
  writeFileSync(configuration, `directories.tokendir = ${join(directory, 'tokens')}\nlog.level = ERROR\n`);
  process.env.SOFTHSM2_CONF = configuration;
  const pinFile = join(directory, 'pin');
  writeFileSync(pinFile, `${pin}\n`, { mode: 0o600 });
  const run = (command: string, ...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8', env: process.env });
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  };
  run('softhsm2-util', '--init-token', '--free', '--label', 'gatehouse', '--pin', pin, '--so-pin', 'so-pin-of-it');
  return {
    directory,
    module: softHsmModule(),
    pinFile,
    run,
    remove: () => {
      delete process.env.SOFTHSM2_CONF;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function softHsmModule(): string {
  const places = [
    '/usr/lib/softhsm/libsofthsm2.so',
    '/usr/lib64/softhsm/libsofthsm2.so',
    '/usr/local/lib/softhsm/libsofthsm2.so',
  ];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`the library of SoftHSM is in none of ${places.join(', ')}`);
  return found;
}

function hasPackage(suite: string): boolean {
  try {
    createRequire(import.meta.url)('pkcs11js');
    return true;
  } catch (error) {
    if (process.env.GATEHOUSE_INTEROP === 'required') throw error;
    process.stderr.write(`skipped: ${suite} (the package pkcs11js is not installed)\n`);
    return false;
  }
}
