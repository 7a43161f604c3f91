import type { KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ciphers, prepareSeal } from '../../../protocols/scep/sealing.js';
import { type Certificate, decodeCertificate } from '../../../src/x509/certificate.js';
import { importPublicKey } from '../../../src/x509/public-key.js';
import { createIdentity, createOpenSsl, type keyOptions, type OpenSsl } from '../../src/cms/openssl.js';

const content = Buffer.from('the certificates');
const usual: Ciphers = { contentEncryption: 'aes-128-cbc', keyTransport: 'rsa-pkcs1' };
let openssl: OpenSsl;

beforeAll(() => {
  openssl = createOpenSsl();
});
afterAll(() => openssl.remove());

function holder(key: keyof typeof keyOptions): { certificate: Certificate; key: KeyObject } {
  return holderOf(decodeCertificate(createIdentity(openssl, key, key).certificate));
}

function holderOf(certificate: Certificate): { certificate: Certificate; key: KeyObject } {
  return { certificate, key: importPublicKey(certificate.subjectPublicKeyInfo) };
}

async function opened(sealed: Promise<Uint8Array>, ...options: string[]): Promise<string> {
  openssl.write('sealed.der', await sealed);
  return openssl.run('cms', '-decrypt', '-inform', 'DER', '-binary', '-in', 'sealed.der', ...options).toString();
}

describe('an answer is encrypted to the key that signed the request (RFC 8894 3.1)', () => {
  it.each<[keyof typeof keyOptions, Ciphers]>([
    ['rsa', usual],
    ['rsa', { contentEncryption: 'aes-256-cbc', keyTransport: 'rsa-oaep-sha512' }],
    ['rsa', { contentEncryption: 'des-ede3-cbc', keyTransport: 'rsa-pkcs1' }],
    ['P-256', usual],
    ['P-384', { contentEncryption: 'aes-192-cbc', keyTransport: 'rsa-oaep-sha256' }],
    ['P-521', { contentEncryption: 'aes-256-cbc', keyTransport: 'rsa-pkcs1' }],
    ['P-256', { contentEncryption: 'des-ede3-cbc', keyTransport: 'rsa-pkcs1' }],
    ['P-256', { contentEncryption: 'des-cbc', keyTransport: 'rsa-pkcs1' }],
  ])('openssl opens it with the key of a certificate: %s, %j', async (key, ciphers) => {
    const seal = prepareSeal(holder(key), ciphers, undefined);
    expect(await opened(seal(content), '-recip', `${key}.pem`, '-inkey', `${key}.key`)).toBe('the certificates');
  });

  it('with the challenge, where that key can only sign', async () => {
    const seal = prepareSeal(holder('ed25519'), usual, 'sesame');
    expect(await opened(seal(content), '-pwri_password', 'sesame')).toBe('the certificates');
  });

  it('is refused beforehand where there is neither', () => {
    expect(() => prepareSeal(holder('ed25519'), usual, undefined)).toThrow(
      expect.objectContaining({ code: 'unsupported-algorithm' }),
    );
  });

  it('is refused beforehand where the key is too short for the key transport', () => {
    openssl.run(
      'req',
      '-x509',
      '-newkey',
      'rsa:1024',
      '-nodes',
      '-keyout',
      'short.key',
      '-subj',
      '/CN=short',
      '-outform',
      'DER',
      '-out',
      'short.der',
    );
    const short = holderOf(decodeCertificate(openssl.read('short.der')));
    // 128 octets, less 2 hashes and 2 octets: 62 for SHA-256, none for SHA-512.
    expect(() => prepareSeal(short, { ...usual, keyTransport: 'rsa-oaep-sha512' }, undefined)).toThrow(
      expect.objectContaining({ code: 'unsupported-algorithm' }),
    );
    expect(() => prepareSeal(short, { ...usual, keyTransport: 'rsa-oaep-sha256' }, undefined)).not.toThrow();
  });

  it('is refused beforehand where the certificate has a serial number that cannot be written', () => {
    expect(() =>
      prepareSeal(holderOf({ ...holder('rsa').certificate, serialNumber: '-01' }), usual, undefined),
    ).toThrow(expect.objectContaining({ code: 'unsupported-algorithm' }));
  });
});
