/** A key has one thumbprint (RFC 7638), whether it comes as JWK or in a certificate or request. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { readPublicJwk, thumbprintOf as thumbprintOfJwk } from '../../../protocols/acme/jws/public-jwk.js';
import { keyThumbprintOf } from '../../../protocols/acme/key-thumbprint.js';

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey;

describe('the thumbprint of a key (RFC 7638)', () => {
  it.each<[string, KeyObject]>([
    ['P-256', ec('P-256')],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey],
    [
      'RSA with a long exponent',
      generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 0x80000001 }).publicKey,
    ],
  ])('is the same in both forms: %s', async (_, key) => {
    const jwk = key.export({ format: 'jwk' });
    const expected = await calculateJwkThumbprint(jwk as JWK);
    expect(keyThumbprintOf(key.export({ format: 'der', type: 'spki' }))).toBe(expected);
    expect(thumbprintOfJwk(readPublicJwk(jwk, 'the key'))).toBe(expected);
  });
});
