import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { mayProtectMessages, verifyMessageSignature } from '../../../../protocols/cmp/protection/signature.js';
import { type Certificate, decodeCertificate } from '../../../../src/x509/certificate.js';
import { nullValue, oid, sequence } from '../../../../src/x509/der-writer.js';
import { encodeKeyUsage, type KeyUsage } from '../../../../src/x509/extensions.js';
import { decodeMessageSignatureAlgorithm } from '../../../../src/x509/message-signatures.js';
import { idCeKeyUsage } from '../../../../src/x509/oids.js';
import { x509Fixture } from '../../../src/x509/fixture.js';
import { closePrimesKey, rocaKey, smallExponentKey } from '../../../support/weak-keys.js';

const data = Buffer.from('header and body');
const rsaSha3 = decodeMessageSignatureAlgorithm(sequence(oid('2.16.840.1.101.3.4.3.14'), nullValue));

const certificateOf = (key: KeyObject) => ({
  subjectPublicKeyInfo: Uint8Array.from(key.export({ format: 'der', type: 'spki' })),
});

describe('signatures by a protection certificate (RFC 9810 5.1.3.3)', () => {
  it("verifies by the certificate's key", () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signature = sign('sha3-256', data, privateKey);
    const certificate = certificateOf(publicKey);
    expect(verifyMessageSignature(rsaSha3, certificate, data, signature)).toBe(true);
    expect(verifyMessageSignature(rsaSha3, certificate, Buffer.from('another'), signature)).toBe(false);
  });

  it.each([
    ['of 1016 bits', () => generateKeyPairSync('rsa', { modulusLength: 1016 })],
    ['with the exponent 3', smallExponentKey],
    ['with the ROCA weakness', rocaKey],
    ['with primes that are close to each other', closePrimesKey],
  ])('trusts no key %s, whose signature is good', (_, makeKey) => {
    const { publicKey, privateKey } = makeKey();
    const signature = sign('sha3-256', data, privateKey);
    expect(() => verifyMessageSignature(rsaSha3, certificateOf(publicKey), data, signature)).toThrow(
      expect.objectContaining({ code: 'untrusted-signer' }),
    );
  });

  it('says what is wrong with a key that it cannot use', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    expect(() => verifyMessageSignature(rsaSha3, certificateOf(publicKey), data, data)).toThrow(
      expect.objectContaining({ code: 'unacceptable-key' }),
    );
    expect(() => verifyMessageSignature(rsaSha3, { subjectPublicKeyInfo: Buffer.of(0x30, 0) }, data, data)).toThrow(
      expect.objectContaining({ code: 'malformed-request' }),
    );
  });
});

describe('the key usage of a protection certificate (RFC 9483 3.2)', () => {
  const any = decodeCertificate(x509Fixture('ca.cert.der'));
  const withUsages = (...usages: KeyUsage[]): Certificate => ({
    ...any,
    extensions: [{ id: idCeKeyUsage, critical: true, value: encodeKeyUsage(usages) }],
  });

  it('must have digitalSignature, where there is one', () => {
    expect(mayProtectMessages(withUsages('digitalSignature', 'keyEncipherment'))).toBe(true);
    expect(mayProtectMessages(withUsages('keyEncipherment', 'keyCertSign'))).toBe(false);
    expect(mayProtectMessages({ ...any, extensions: [] })).toBe(true);
  });
});
