import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  type ContentEncryption,
  contentKeyLengths,
  decryptContent,
  encryptContent,
  readEncryptedContent,
} from '../../../src/cms/content-encryption.js';
import { desCbc, idAes128Cbc } from '../../../src/cms/oids.js';
import { octetString, oid, sequence } from '../../../src/x509/der-writer.js';

const all: readonly ContentEncryption[] = ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc', 'des-cbc'];
const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const aes = (initializationVector: Uint8Array) => sequence(oid(idAes128Cbc), octetString(initializationVector));

describe('content encryption (RFC 5652 section 6.3)', () => {
  it.each(all)('decrypts what it encrypts, of every length: %s', (encryption) => {
    for (let length = 0; length <= 33; length++) {
      const content = randomBytes(length);
      const { algorithm, encrypted, key } = encryptContent(encryption, content);
      expect(key).toHaveLength(contentKeyLengths[encryption]);
      const read = readEncryptedContent(algorithm, encrypted);
      expect(read.encryption).toBe(encryption);
      expect(decryptContent(read, key)).toEqual(content);
    }
  });

  it('decrypts DES as FIPS 81 does (its CBC example, which has no padding)', () => {
    const algorithm = sequence(oid(desCbc), octetString(hex('1234567890abcdef')));
    const encrypted = hex('e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6');
    const plaintext = decryptContent(readEncryptedContent(algorithm, encrypted), hex('0123456789abcdef'));
    expect(Buffer.from(plaintext).toString('latin1')).toBe('Now is the time for all ');
  });

  it.each<ContentEncryption>(['des-ede3-cbc', 'des-cbc'])('makes keys of odd parity: %s', (encryption) => {
    for (const octet of encryptContent(encryption, new Uint8Array(1)).key) {
      expect(octet.toString(2).replaceAll('0', '').length % 2).toBe(1);
    }
  });

  it('gives content with wrong padding back whole, whatever is wrong', () => {
    const key = randomBytes(16);
    const initializationVector = randomBytes(16);
    const decrypted = (plaintext: Uint8Array) => {
      const cipher = createCipheriv('aes-128-cbc', key, initializationVector).setAutoPadding(false);
      const encrypted = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return Buffer.from(decryptContent(readEncryptedContent(aes(initializationVector), encrypted), key));
    };
    const begin = Buffer.alloc(16, 0xaa);
    const wrong = [
      '000102030405060708090a0b0c0d0e00',
      '000102030405060708090a0b0c0d0e11',
      '000102030405060708090a0b0c0d0eff',
      '000102030405060708090a0b0c0d0102',
      '000102030405060708090a0b0c030203',
      '0f101010101010101010101010101010',
      '1010101010101010100f101010101010',
    ];
    for (const block of wrong) {
      const plaintext = Buffer.concat([begin, hex(block)]);
      expect(decrypted(plaintext)).toEqual(plaintext);
    }
    expect(decrypted(Buffer.concat([begin, Buffer.alloc(16, 0x10)]))).toEqual(begin);
    expect(decrypted(Buffer.alloc(16, 0x10))).toHaveLength(0);
    expect(decrypted(Buffer.concat([begin, hex('000102030405060708090a0b0c030303')]))).toHaveLength(29);
  });

  it('gives no error for a wrong key', () => {
    const { algorithm, encrypted } = encryptContent('aes-256-cbc', Buffer.from('secret'));
    for (let i = 0; i < 20; i++) {
      expect(decryptContent(readEncryptedContent(algorithm, encrypted), randomBytes(32)).length).toBeLessThan(17);
    }
  });
});

describe('what everybody can see of encrypted content', () => {
  const block = new Uint8Array(16);

  it.each([
    ['another cipher, AES-128-GCM', sequence(oid('2.16.840.1.101.3.4.1.6'), octetString(block)), block, 'unsupported'],
    ['another cipher, RC2', sequence(oid('1.2.840.113549.3.2'), octetString(block)), block, 'unsupported'],
    ['no initialization vector', sequence(oid(idAes128Cbc)), block, 'malformed'],
    ['a short initialization vector', aes(new Uint8Array(8)), block, 'malformed'],
    ['a long initialization vector', sequence(oid(desCbc), octetString(block)), block, 'malformed'],
    ['no content', aes(block), new Uint8Array(0), 'malformed'],
    ['half a block', aes(block), new Uint8Array(24), 'malformed'],
  ])('is refused at once: %s', (_, algorithm, encrypted, problem) => {
    expect(() => readEncryptedContent(algorithm, encrypted)).toThrow(expect.objectContaining({ problem }));
  });
});
