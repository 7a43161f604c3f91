import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { makeP256Key } from '../../../src/enrollment/p256-key.js';

describe('P-256 keys that the gateway makes', () => {
  it('are what OpenSSL writes for the same key, also where the secret begins with a zero', () => {
    // One secret in 256 begins with a zero.
    for (let i = 0; i < 700; i++) {
      const { pkcs8, subjectPublicKeyInfo } = makeP256Key();
      const key = createPrivateKey({ key: Buffer.from(pkcs8), type: 'pkcs8', format: 'der' });
      expect(key.export({ type: 'pkcs8', format: 'der' }).equals(pkcs8)).toBe(true);
      const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
      expect(publicKey.equals(subjectPublicKeyInfo)).toBe(true);
    }
  });
});
