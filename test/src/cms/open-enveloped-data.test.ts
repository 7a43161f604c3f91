import { constants, privateDecrypt, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { identifyByIssuer } from '../../../src/cms/certificate-identifier.js';
import { type ContentEncryption, contentKeyLengths } from '../../../src/cms/content-encryption.js';
import { decodeEnvelopedData, type EnvelopedData, encodeEnvelopedData } from '../../../src/cms/enveloped-data.js';
import { idData } from '../../../src/cms/oids.js';
import { contentEncryptionOf, openEnvelopedData } from '../../../src/cms/open-enveloped-data.js';
import { createKeyOpener } from '../../../src/keys/rsa-key-transport.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import type { KeyTransport } from '../../../src/x509/key-transport.js';
import { createIdentity, createOpenSsl, type Identity, type OpenSsl } from './openssl.js';

const content = randomBytes(10_000);
let openssl: OpenSsl;
let identity: Identity;

beforeAll(() => {
  openssl = createOpenSsl();
  openssl.write('content', content);
  identity = createIdentity(openssl, 'rsa', 'rsa');
});
afterAll(() => openssl.remove());

function encryptWithOpenSsl(...options: string[]): EnvelopedData {
  const files = ['-in', 'content', '-outform', 'DER', '-out', 'theirs.der', '-recip', 'rsa.pem'];
  openssl.run('cms', '-encrypt', '-binary', ...files, ...options);
  return decodeEnvelopedData(openssl.read('theirs.der'));
}

function encrypt(contentEncryption: ContentEncryption, keyTransport: KeyTransport = 'rsa-pkcs1'): EnvelopedData {
  const { issuer, serialNumber, subjectPublicKeyInfo } = decodeCertificate(identity.certificate);
  const identifier = { type: 'issuerAndSerialNumber', issuer, serialNumber } as const;
  const recipient = { type: 'keyTransport', identifier, subjectPublicKeyInfo, keyTransport } as const;
  return decodeEnvelopedData(encodeEnvelopedData({ contentType: idData, content, contentEncryption, recipient }));
}

function recipientOf({ recipients: [recipient] }: EnvelopedData) {
  if (recipient?.type !== 'keyTransport') throw new Error('no key transport');
  return recipient;
}

function open(envelope: EnvelopedData, openKey = createKeyOpener(identity.privateKey)) {
  return openEnvelopedData(envelope, recipientOf(envelope), openKey);
}

describe('openEnvelopedData (RFC 5652 section 6, RFC 8894 section 3.1)', () => {
  it.each<[string, string[], ContentEncryption, KeyTransport]>([
    ['AES-128', ['-aes128'], 'aes-128-cbc', 'rsa-pkcs1'],
    ['AES-192', ['-aes192'], 'aes-192-cbc', 'rsa-pkcs1'],
    ['AES-256 in BER with indefinite lengths', ['-aes256', '-stream'], 'aes-256-cbc', 'rsa-pkcs1'],
    ['3DES', ['-des3'], 'des-ede3-cbc', 'rsa-pkcs1'],
    ['3DES in BER with indefinite lengths', ['-des3', '-stream'], 'des-ede3-cbc', 'rsa-pkcs1'],
    ['OAEP', ['-aes128', '-keyopt', 'rsa_padding_mode:oaep'], 'aes-128-cbc', 'rsa-oaep-sha1'],
    [
      'OAEP with SHA-256',
      ['-aes128', '-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256'],
      'aes-128-cbc',
      'rsa-oaep-sha256',
    ],
    ['a recipient named by its key identifier', ['-aes128', '-keyid'], 'aes-128-cbc', 'rsa-pkcs1'],
  ])('opens what openssl encrypts: %s', async (_, options, contentEncryption, keyTransport) => {
    const envelope = encryptWithOpenSsl(...options);
    expect(envelope.contentType).toBe(idData);
    expect(contentEncryptionOf(envelope)).toBe(contentEncryption);
    const opened = await open(envelope);
    expect(opened).toMatchObject({ contentEncryption, keyTransport });
    expect(Buffer.compare(opened.content, content)).toBe(0);
  });

  it('names the recipient as openssl does', () => {
    const identifier = identifyByIssuer(decodeCertificate(identity.certificate));
    expect(recipientOf(encryptWithOpenSsl('-aes128')).identifier).toEqual(identifier);
  });

  it.each(Object.keys(contentKeyLengths) as ContentEncryption[])('opens its own envelopes: %s', async (encryption) => {
    for (const keyTransport of ['rsa-pkcs1', 'rsa-oaep-sha512'] as const) {
      const opened = await open(encrypt(encryption, keyTransport));
      expect(opened).toMatchObject({ contentEncryption: encryption, keyTransport });
      expect(Buffer.compare(opened.content, content)).toBe(0);
    }
  });

  it('gives other content, and no error, for a wrong key, a damaged key and damaged padding', async () => {
    const envelope = encrypt('aes-128-cbc');
    const damagedPadding = Uint8Array.from(envelope.encryptedContent);
    damagedPadding[damagedPadding.length - 17] = (damagedPadding[damagedPadding.length - 17] ?? 0) ^ 0x40;
    const damagedKey = Uint8Array.from(recipientOf(envelope).encryptedKey);
    damagedKey[100] = (damagedKey[100] ?? 0) ^ 1;
    const opened = [
      await open(envelope, async (_, __, length) => randomBytes(length)),
      await open({ ...envelope, recipients: [{ ...recipientOf(envelope), encryptedKey: damagedKey }] }),
      await open({ ...envelope, recipients: [{ ...recipientOf(envelope), encryptedKey: new Uint8Array(3) }] }),
      await open({ ...envelope, encryptedContent: damagedPadding }),
    ];
    for (const each of opened) {
      expect(each.contentEncryption).toBe('aes-128-cbc');
      expect(Buffer.compare(each.content, content)).not.toBe(0);
    }
    // The padding that was damaged stays, for the reader of the content to fail with.
    expect(opened[3]?.content).toHaveLength(content.length + 16);
  });

  it('refuses what everybody can see before it uses the private key', async () => {
    const unused = () => {
      throw new Error('the private key was used');
    };
    const envelope = encrypt('aes-128-cbc');
    const gcm = new Uint8Array(Buffer.from('300b0609608648016503040106', 'hex'));
    const kem = new Uint8Array(Buffer.from('300d060b2a864886f70d010910030e', 'hex'));
    const unsupported = expect.objectContaining({ problem: 'unsupported' });
    await expect(open({ ...envelope, contentEncryption: gcm }, unused)).rejects.toThrow(unsupported);
    const recipients = [{ ...recipientOf(envelope), algorithm: kem }];
    await expect(open({ ...envelope, recipients }, unused)).rejects.toThrow(unsupported);
    const cut = { ...envelope, encryptedContent: envelope.encryptedContent.subarray(1) };
    await expect(open(cut, unused)).rejects.toThrow(expect.objectContaining({ problem: 'malformed' }));
    expect(() => contentEncryptionOf(cut)).toThrow(expect.objectContaining({ problem: 'malformed' }));
  });

  it('uses keys that node opens as well', async () => {
    const envelope = encrypt('aes-256-cbc', 'rsa-oaep-sha256');
    const opened = await open(envelope, async (_, encryptedKey) =>
      privateDecrypt(
        { key: identity.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
        encryptedKey,
      ),
    );
    expect(Buffer.compare(opened.content, content)).toBe(0);
  });
});
