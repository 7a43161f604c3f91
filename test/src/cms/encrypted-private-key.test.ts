import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { encryptPrivateKey } from '../../../src/cms/encrypted-private-key.js';
import { isUsablePassword } from '../../../src/cms/pbes2.js';
import { octetsOf, oidOf, partsOf, smallIntegerOf } from '../../support/asn1-values.js';
import { privateKeyOf } from '../../support/make-chain.js';
import { createOpenSsl, type OpenSsl } from './openssl.js';

const password = 'correct horse';
const pkcs8 = derOf(privateKeyOf('key'));
let openssl: OpenSsl;

beforeAll(() => {
  openssl = createOpenSsl();
});
afterAll(() => openssl.remove());

function derOf(key: KeyObject): Buffer {
  return key.export({ type: 'pkcs8', format: 'der' });
}

/** What openssl finds under the password. */
function opened(encrypted: Uint8Array, passphrase: string): Buffer {
  openssl.write('encrypted', encrypted);
  openssl.write('password', Buffer.from(passphrase));
  const pem = openssl.run('pkcs8', '-in', 'encrypted', '-inform', 'DER', '-passin', 'file:password');
  return derOf(createPrivateKey(pem));
}

/** PBES2-params, and the encrypted octets. */
function partsOfKey(encrypted: Uint8Array) {
  const [algorithm, data] = partsOf(fromBER(encrypted).result);
  const [scheme, parameters] = partsOf(algorithm);
  const [derivation, cipher] = partsOf(parameters);
  const [derivationId, derivationParameters] = partsOf(derivation);
  const [salt, iterations, keyLength, pseudoRandomFunction] = partsOf(derivationParameters);
  const [cipherId, vector] = partsOf(cipher);
  return {
    ids: [scheme, derivationId, partsOf(pseudoRandomFunction)[0], cipherId].map(oidOf),
    numbers: [iterations, keyLength].map(smallIntegerOf),
    random: [salt, vector].map((each) => octetsOf(each).toString('hex')),
    data: octetsOf(data),
  };
}

describe('a private key under a password (RFC 5958 section 3)', () => {
  it.each([
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ])('is read by openssl and Node: %s', async (_, { privateKey }) => {
    const plain = derOf(privateKey);
    const encrypted = await encryptPrivateKey(plain, password);
    expect(opened(encrypted, password)).toEqual(plain);
    const key = { key: Buffer.from(encrypted), type: 'pkcs8', format: 'der', passphrase: password } as const;
    expect(derOf(createPrivateKey(key))).toEqual(plain);
  });

  it('is PBES2: 600,000 times HMAC-SHA-256, and AES-256-CBC (RFC 8018 section 6.2)', async () => {
    const { ids, numbers, random, data } = partsOfKey(await encryptPrivateKey(pkcs8, password));
    expect(ids).toEqual([
      '1.2.840.113549.1.5.13',
      '1.2.840.113549.1.5.12',
      '1.2.840.113549.2.9',
      '2.16.840.1.101.3.4.1.42',
    ]);
    expect(numbers).toEqual([600_000, 32]);
    expect(random.map((hex) => hex.length / 2)).toEqual([16, 16]);
    expect(data).toHaveLength((Math.floor(pkcs8.length / 16) + 1) * 16);
  });

  it('has a salt and an initialization vector of its own each time', async () => {
    const [one, other] = await Promise.all([encryptPrivateKey(pkcs8, password), encryptPrivateKey(pkcs8, password)]);
    expect(new Set([...partsOfKey(one).random, ...partsOfKey(other).random]).size).toBe(4);
  });

  it('is not read under another password', async () => {
    const encrypted = await encryptPrivateKey(pkcs8, password);
    expect(() => opened(encrypted, `${password}?`)).toThrow('Command failed');
  });

  it.each([
    ['of Latin letters', 'pässwörd€'],
    ['of others of the BMP', '鍵の言葉'],
    ['beyond the BMP', '🔑'],
    ['with spaces around', ' x '],
    ['as long as can be', 'x'.repeat(1023)],
  ])('is read under a password %s', async (_, text) => {
    expect(opened(await encryptPrivateKey(pkcs8, text), text)).toEqual(pkcs8);
  });
});

describe('passwords that readers would not take for the same', () => {
  it.each([
    ['none', ''],
    ['NUL, where C ends a text', 'ab\0cd'],
    ['half of a surrogate pair, which has no UTF-8', 'ab\ud83d'],
    ["more than OpenSSL's buffer holds", 'x'.repeat(1024)],
    ['more than it holds, in octets', 'ä'.repeat(512)],
  ])('are refused: %s', async (_, text) => {
    expect(isUsablePassword(text)).toBe(false);
    await expect(encryptPrivateKey(pkcs8, text)).rejects.toThrow(RangeError);
  });
});
