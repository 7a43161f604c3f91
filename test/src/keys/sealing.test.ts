import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { GatewayError } from '../../../src/errors.js';
import { createSealing } from '../../../src/keys/sealing.js';

const key = createSecretKey(randomBytes(32));
const sealing = createSealing(key);
const secret = Buffer.from('a private key');

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof GatewayError ? error.code : `unexpected ${error}`;
  }
  return 'opened';
}

describe('sealing', () => {
  it('opens what it sealed, of any size', () => {
    for (const size of [0, 1, 16, 5000]) {
      const plaintext = randomBytes(size);
      expect(Buffer.from(sealing.open('key:1', sealing.seal('key:1', plaintext)))).toEqual(plaintext);
    }
  });

  it('opens under the same key after a restart', () => {
    const sealed = sealing.seal('key:1', secret);
    expect(Buffer.from(createSealing(key).open('key:1', sealed))).toEqual(secret);
  });

  it('never seals twice alike', () => {
    const all = Array.from({ length: 100 }, () => Buffer.from(sealing.seal('key:1', secret)).toString('hex'));
    expect(new Set(all).size).toBe(100);
  });

  it('does not show the secret', () => {
    expect(Buffer.from(sealing.seal('key:1', secret)).includes(secret)).toBe(false);
  });

  it('is memory of its own, as what the store keeps has to be', () => {
    const sealed = sealing.seal('key:1', secret);
    expect(sealed.buffer.byteLength).toBe(sealed.length);
  });

  it('refuses to open what was moved to another place', () => {
    expect(codeOf(() => sealing.open('key:2', sealing.seal('key:1', secret)))).toBe('internal');
    expect(codeOf(() => sealing.open('credential:1', sealing.seal('key:1', secret)))).toBe('internal');
  });

  it('refuses to open under another key', () => {
    const other = createSealing(createSecretKey(randomBytes(32)));
    expect(codeOf(() => other.open('key:1', sealing.seal('key:1', secret)))).toBe('internal');
  });

  it('refuses every changed, missing or additional byte', () => {
    const sealed = sealing.seal('key:1', secret);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(codeOf(() => sealing.open('key:1', changed))).toBe('internal');
      expect(codeOf(() => sealing.open('key:1', sealed.subarray(0, at)))).toBe('internal');
    }
    expect(codeOf(() => sealing.open('key:1', Buffer.concat([sealed, Buffer.of(0)])))).toBe('internal');
  });

  it('does not tell the client which secret it was', () => {
    try {
      sealing.open('key:2', sealing.seal('key:1', secret));
    } catch (error) {
      expect(String(error)).not.toContain('key:2');
    }
  });
});
