import { createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createPasscodeLookup } from '../../../src/keys/passcode-lookup.js';

const key = createSecretKey(Buffer.alloc(32, 7));
const lookup = createPasscodeLookup(key);

describe('passcode lookup', () => {
  it('is HMAC-SHA-256 over authentication policy and passcode, in hex', () => {
    const expected = createHmac('sha256', key).update('fleet\0correct-horse').digest('hex');
    expect(lookup('fleet', 'correct-horse')).toBe(expected);
  });

  it('differs by each of them, and by key', () => {
    const other = createPasscodeLookup(createSecretKey(Buffer.alloc(32, 8)));
    const all = [
      lookup('fleet', 'secret-1'),
      lookup('fleet', 'secret-2'),
      lookup('other', 'secret-1'),
      other('fleet', 'secret-1'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
