/** API keys as their holders have them: `gh_<8 characters>_<secret><checksum>`. */
import { hash, randomBytes } from 'node:crypto';

/** A new key with 256 random bits. */
export function makeApiKey(): string {
  const start = `${prefixStart}${randomBytes(4).toString('hex')}_${randomBytes(32).toString('base64url')}`;
  return `${start}${checksumOf(start)}`;
}

/**
 * Whether a text can be a key at all. Typing errors and what is cut off show before anything is looked up, and scanners for
 * secrets tell keys from what only looks alike.
 */
export function isApiKey(text: string): boolean {
  if (!/^gh_[0-9a-f]{8}_[A-Za-z0-9_-]{49}$/.test(text)) return false;
  const start = text.slice(0, -checksumLength);
  return checksumOf(start) === text.slice(-checksumLength);
}

/** What the store finds it by, lower-case hex. Plain: nobody guesses 256 bits, and the hash of a guess tells nothing by its time. */
export function lookupOf(key: string): string {
  return hash('sha256', key, 'hex');
}

/** What may be shown of it. */
export function prefixOf(key: string): string {
  return key.slice(0, prefixStart.length + 8);
}

const prefixStart = 'gh_';
const checksumLength = 6;

function checksumOf(start: string): string {
  return hash('sha256', `gatehouse API key ${start}`, 'base64url').slice(0, checksumLength);
}
