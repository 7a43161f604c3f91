import { describe, expect, it } from '@jest/globals';
import { isApiKey, lookupOf, makeApiKey, prefixOf } from '../../../src/access/api-key-text.js';

describe('An API key', () => {
  it('has 256 random bits behind a prefix that scanners know', () => {
    const key = makeApiKey();
    expect(key).toMatch(/^gh_[0-9a-f]{8}_[A-Za-z0-9_-]{49}$/);
    expect(Buffer.from(key.slice(12, 55), 'base64url')).toHaveLength(32);
    expect(prefixOf(key)).toBe(key.slice(0, 11));
    expect(new Set(Array.from({ length: 100 }, makeApiKey)).size).toBe(100);
  });

  it('is known by its SHA-256 alone', () => {
    expect(lookupOf('gh_x')).toBe('c009f0d8780d30a0b65506cc1e51ff8a51752cefe276efa78d92f774aaa6fa46');
  });

  it('shows every single typing error', () => {
    const key = makeApiKey();
    expect(isApiKey(key)).toBe(true);
    for (let at = 3; at < key.length; at++) {
      const other = key[at] === 'a' ? 'b' : 'a';
      expect(isApiKey(`${key.slice(0, at)}${other}${key.slice(at + 1)}`)).toBe(false);
    }
    for (const text of [
      '',
      key.slice(0, -1),
      `${key}a`,
      ` ${key}`,
      `${key}\n`,
      key.toUpperCase(),
      'x'.repeat(10_000),
    ]) {
      expect(isApiKey(text)).toBe(false);
    }
  });
});
