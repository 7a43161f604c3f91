/** Keys that are known to be compromised: a file of SPKI SHA-256 hashes, read again when it changes. */
import { readFileSync, statSync } from 'node:fs';
import type { Log } from './log.js';

const checkIntervalMilliseconds = 5_000;

export interface CompromisedKeys {
  /** By the SHA-256 hash of the SubjectPublicKeyInfo, lower-case hex. */
  has(fingerprint: string): boolean;
  close(): void;
}

/**
 * One hash in hex a line; blank lines and what follows a `#` do not count.
 * @throws Error naming the file and line when it cannot be used at the start; later a bad file is logged, and the hashes
 * that were read before stay in force.
 */
export function openCompromisedKeys(file: string | undefined, log: Log): CompromisedKeys {
  if (file === undefined) return { has: () => false, close: () => undefined };
  let version = versionOf(file);
  let hashes = readHashes(file);
  const timer = setInterval(() => {
    try {
      const current = versionOf(file);
      if (current === version) return;
      hashes = readHashes(file);
      version = current;
      log.info({ file, keys: hashes.size }, 'the list of compromised keys was read again');
    } catch (err) {
      log.error({ err, file }, 'the list of compromised keys cannot be read; the one from before stays in force');
    }
  }, checkIntervalMilliseconds);
  timer.unref();
  return { has: (fingerprint) => hashes.has(fingerprint), close: () => clearInterval(timer) };
}

function versionOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  return `${mtimeMs}:${size}:${ino}`;
}

function readHashes(file: string): ReadonlySet<string> {
  const hashes = new Set<string>();
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const hash = (line.split('#')[0] ?? '').trim().toLowerCase();
    if (hash === '') continue;
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error(`${file}:${index + 1}: not a SHA-256 hash of 64 hex digits`);
    hashes.add(hash);
  }
  return hashes;
}
