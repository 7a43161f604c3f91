import { createDecipheriv, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import fc from 'fast-check';
import * as pkijs from 'pkijs';
import { identifyByIssuer } from '../../../src/cms/certificate-identifier.js';
import { CmsError } from '../../../src/cms/cms-error.js';
import { type ContentEncryption, decryptContent, readEncryptedContent } from '../../../src/cms/content-encryption.js';
import { decodeContentInfo } from '../../../src/cms/content-info.js';
import {
  decodeEnvelopedData,
  encodeEnvelopedData,
  type RecipientInfo,
  sealEnvelope,
} from '../../../src/cms/enveloped-data.js';
import { wrapKey } from '../../../src/cms/key-wrap.js';
import { idData } from '../../../src/cms/oids.js';
import { createPasswordRecipient } from '../../../src/cms/password-recipient.js';
import type { KeyAgreementHash, Recipient } from '../../../src/cms/recipient-infos.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import type { KeyTransport } from '../../../src/x509/key-transport.js';
import { idCeSubjectKeyIdentifier } from '../../../src/x509/oids.js';
import { openEnvelopedData } from '../../support/cmp/open-envelope.js';
import { createIdentity, createOpenSsl, type OpenSsl } from './openssl.js';

const content = Buffer.from('a private key, say');
let openssl: OpenSsl;
const certificates = new Map<string, Uint8Array>();

beforeAll(() => {
  openssl = createOpenSsl();
  openssl.write('content', content);
  for (const key of ['rsa', 'P-256', 'P-384', 'P-521', 'ed25519'] as const) {
    certificates.set(key, createIdentity(openssl, key, key).certificate);
  }
});
afterAll(() => openssl.remove());

function certificate(key: string) {
  return decodeCertificate(certificates.get(key) ?? new Uint8Array());
}

function envelope(recipient: Recipient, contentEncryption: ContentEncryption = 'aes-256-cbc'): Uint8Array {
  return encodeEnvelopedData({ contentType: idData, content, contentEncryption, recipient });
}

function keyTransport(method: KeyTransport): Recipient {
  const { subjectPublicKeyInfo } = certificate('rsa');
  return {
    type: 'keyTransport',
    identifier: identifyByIssuer(certificate('rsa')),
    subjectPublicKeyInfo,
    keyTransport: method,
  };
}

function keyAgreement(key: string, hash: KeyAgreementHash): Extract<Recipient, { type: 'keyAgreement' }> {
  const { subjectPublicKeyInfo } = certificate(key);
  const identifier = identifyByIssuer(certificate(key));
  return { type: 'keyAgreement', identifier, subjectPublicKeyInfo, hash, keyWrap: 'aes256-wrap' };
}

function byKeyIdentifier<T extends Recipient>(recipient: T, key: string): T {
  const value = extension(certificate(key), idCeSubjectKeyIdentifier) ?? new Uint8Array();
  const subjectKeyIdentifier = DerReader.decode(value, (reader) => reader.octetString());
  return { ...recipient, identifier: { type: 'subjectKeyIdentifier', subjectKeyIdentifier } };
}

function decryptWithOpenSsl(der: Uint8Array, ...options: string[]): Buffer {
  openssl.write('enveloped.der', der);
  return openssl.run('cms', '-decrypt', '-binary', '-inform', 'DER', '-in', 'enveloped.der', ...options);
}

function withKey(key: string): string[] {
  return ['-recip', `${key}.pem`, '-inkey', `${key}.key`];
}

function only(der: Uint8Array): RecipientInfo {
  const [recipient] = decodeEnvelopedData(der).recipients;
  if (recipient === undefined) throw new Error('no recipient');
  return recipient;
}

describe('key transport (RFC 5652 section 6.2.1, RFC 4055 section 4.1)', () => {
  it.each<KeyTransport>(['rsa-pkcs1', 'rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-oaep-sha384', 'rsa-oaep-sha512'])(
    'is opened by openssl: %s',
    (method) => {
      expect(decryptWithOpenSsl(envelope(keyTransport(method)), ...withKey('rsa'))).toEqual(content);
    },
  );

  it('names the recipient by key identifier, with version 2', () => {
    const der = envelope(byKeyIdentifier(keyTransport('rsa-pkcs1'), 'rsa'));
    expect(decryptWithOpenSsl(der, ...withKey('rsa'))).toEqual(content);
    expect(only(der)).toMatchObject({ type: 'keyTransport', identifier: { type: 'subjectKeyIdentifier' } });
  });

  it('is read alike by pkijs, with version 0 throughout when the recipient is named by issuer', () => {
    const der = envelope(keyTransport('rsa-oaep-sha256'));
    const info = new pkijs.ContentInfo({ schema: fromBER(Uint8Array.from(der).buffer).result });
    const enveloped = new pkijs.EnvelopedData({ schema: info.content });
    expect(enveloped.version).toBe(0);
    expect(enveloped.recipientInfos[0]?.value).toMatchObject({ version: 0 });
    expect(enveloped.encryptedContentInfo.contentType).toBe(idData);
  });

  it('refuses a key that is not RSA', () => {
    const { subjectPublicKeyInfo } = certificate('P-256');
    expect(() => envelope({ ...keyTransport('rsa-pkcs1'), subjectPublicKeyInfo } as Recipient)).toThrow(CmsError);
  });
});

describe('key agreement (RFC 5652 section 6.2.2, RFC 5753 section 3.1)', () => {
  it.each<[string, KeyAgreementHash]>([
    ['P-256', 'sha256'],
    ['P-384', 'sha384'],
    ['P-521', 'sha512'],
    ['P-256', 'sha512'],
  ])('is opened by openssl: %s with %s', (key, hash) => {
    for (const keyWrap of ['aes128-wrap', 'aes192-wrap', 'aes256-wrap'] as const) {
      const der = envelope({ ...keyAgreement(key, hash), keyWrap }, 'aes-128-cbc');
      expect(decryptWithOpenSsl(der, ...withKey(key))).toEqual(content);
    }
  });

  it('names the recipient by key identifier', () => {
    const der = envelope(byKeyIdentifier(keyAgreement('P-256', 'sha256'), 'P-256'));
    expect(decryptWithOpenSsl(der, ...withKey('P-256'))).toEqual(content);
  });

  it('uses a new ephemeral key and new keying material each time', () => {
    const [a, b] = [only(envelope(keyAgreement('P-256', 'sha256'))), only(envelope(keyAgreement('P-256', 'sha256')))];
    if (a.type !== 'keyAgreement' || b.type !== 'keyAgreement') throw new Error('no key agreement');
    expect(a.originatorPoint).toHaveLength(65);
    expect(a.originatorPoint).not.toEqual(b.originatorPoint);
    expect(a.userKeyingMaterial).not.toEqual(b.userKeyingMaterial);
  });

  it.each(['rsa', 'ed25519'])('refuses a key that is not EC: %s', (key) => {
    expect(() => envelope(keyAgreement(key, 'sha256'))).toThrow(expect.objectContaining({ problem: 'unsupported' }));
  });
});

describe('key-encryption keys (RFC 5652 section 6.2.3, RFC 3394)', () => {
  it.each([16, 24, 32])('is opened by openssl: AES key of %d octets', (octets) => {
    const key = randomBytes(octets);
    const keyIdentifier = Buffer.from('wrap-1');
    const der = envelope({ type: 'keyEncryptionKey', keyIdentifier, key });
    const options = ['-secretkey', key.toString('hex'), '-secretkeyid', keyIdentifier.toString('hex')];
    expect(decryptWithOpenSsl(der, ...options)).toEqual(content);
    const recipient = only(der);
    expect(recipient.type === 'keyEncryptionKey' && Buffer.from(recipient.keyIdentifier)).toEqual(keyIdentifier);
  });

  it('refuses keys that are no AES keys', () => {
    const recipient = { type: 'keyEncryptionKey', keyIdentifier: content, key: new Uint8Array(17) } as const;
    expect(() => envelope(recipient)).toThrow(CmsError);
  });

  it('wraps as in RFC 3394 section 4.6', () => {
    const key = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
    const data = Buffer.from('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f', 'hex');
    expect(Buffer.from(wrapKey('aes256-wrap', key, data)).toString('hex')).toBe(
      '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
    );
  });
});

describe('passwords (RFC 5652 section 6.2.4, RFC 3211)', () => {
  it.each<ContentEncryption>(['aes-128-cbc', 'aes-256-cbc', 'des-ede3-cbc'])(
    'are what openssl opens an envelope with: %s',
    async (contentEncryption) => {
      const der = envelope(await createPasswordRecipient('pässword'), contentEncryption);
      expect(decryptWithOpenSsl(der, '-pwri_password', 'pässword')).toEqual(content);
      expect(() => decryptWithOpenSsl(der, '-pwri_password', 'password')).toThrow();
    },
  );

  it('wrap the key with AES where that is asked for (RFC 9481 4.3), in an EnvelopedData without ContentInfo', async () => {
    const password = randomBytes(24);
    const recipient = await createPasswordRecipient(password, 'aes256-wrap');
    const der = sealEnvelope({ contentType: idData, content, contentEncryption: 'aes-256-cbc', recipient });
    expect(openEnvelopedData(der, { secret: password })).toMatchObject({
      version: 3,
      recipientVersion: 0,
      keyEncryption: '2.16.840.1.101.3.4.1.45',
      content,
    });
    expect(() => openEnvelopedData(der, { secret: randomBytes(24) })).toThrow();
  });

  it('make the envelope one of version 3, and the recipient of version 0 (section 6.1)', async () => {
    const der = envelope(await createPasswordRecipient('password'));
    const [envelopeVersion, recipientVersion] = DerReader.decode(decodeContentInfo(der).content, (reader) =>
      reader.sequence((data) => {
        const version = data.smallInteger();
        const versions = data.inside(Tag.set, (all) =>
          all.inside(Tag.context(3), (info) => {
            const inner = info.smallInteger();
            while (info.more) info.element();
            return [version, inner];
          }),
        );
        data.element();
        return versions;
      }),
    );
    expect([envelopeVersion, recipientVersion]).toEqual([3, 0]);
    expect(only(der)).toMatchObject({ type: 'password', derivation: expect.any(Uint8Array) });
  });

  it('give a new salt each time', async () => {
    const [a, b] = await Promise.all([createPasswordRecipient('password'), createPasswordRecipient('password')]);
    expect(a.salt).toHaveLength(16);
    expect(a.salt).not.toEqual(b.salt);
    expect(a.keyEncryptionKey).not.toEqual(b.keyEncryptionKey);
  });
});

describe('content encryption (RFC 3565 section 4.1, RFC 3370 section 5.1)', () => {
  it.each<[ContentEncryption, string]>([
    ['aes-192-cbc', 'rsa'],
    ['des-ede3-cbc', 'rsa'],
    ['des-ede3-cbc', 'P-256'],
    ['des-ede3-cbc', 'P-384'],
    ['des-ede3-cbc', 'P-521'],
  ])('is opened by openssl: %s to a key of %s', (contentEncryption, key) => {
    const recipient = key === 'rsa' ? keyTransport('rsa-pkcs1') : keyAgreement(key, 'sha256');
    expect(decryptWithOpenSsl(envelope(recipient, contentEncryption), ...withKey(key))).toEqual(content);
  });

  it('refuses to wrap a DES key with AES, which RFC 3394 has no form for', () => {
    const refusal = expect.objectContaining({ problem: 'unsupported' });
    expect(() => envelope(keyAgreement('P-256', 'sha256'), 'des-cbc')).toThrow(refusal);
  });
});

describe('decodeEnvelopedData (RFC 5652 section 6.1)', () => {
  it('reads the recipients of openssl: EC key and secret key', () => {
    const secret = ['-secretkey', '00'.repeat(16), '-secretkeyid', 'c0ffee'];
    openssl.run(
      ...['cms', '-encrypt', '-in', 'content', '-outform', 'DER', '-out', 'theirs.der', '-aes128', ...secret],
      'P-256.pem',
    );
    const types = decodeEnvelopedData(openssl.read('theirs.der')).recipients.map(({ type }) => type);
    expect(types.sort()).toEqual(['keyAgreement', 'keyEncryptionKey']);
  });

  it('reads its own envelopes', () => {
    const key = randomBytes(16);
    const { recipients, contentEncryption, encryptedContent } = decodeEnvelopedData(
      envelope({ type: 'keyEncryptionKey', keyIdentifier: content, key }),
    );
    const [recipient] = recipients;
    if (recipient?.type !== 'keyEncryptionKey') throw new Error('no key-encryption key');
    const unwrap = createDecipheriv('id-aes128-wrap', key, Buffer.alloc(8, 0xa6));
    const contentKey = Buffer.concat([unwrap.update(recipient.encryptedKey), unwrap.final()]);
    expect(decryptContent(readEncryptedContent(contentEncryption, encryptedContent), contentKey)).toEqual(content);
  });

  it('throws only DerError and CmsError for truncated and changed messages', () => {
    const der = envelope(keyAgreement('P-256', 'sha256'));
    const attempt = (bytes: Uint8Array) => {
      try {
        const { contentEncryption, encryptedContent } = decodeEnvelopedData(bytes);
        readEncryptedContent(contentEncryption, encryptedContent);
      } catch (error) {
        expect(error instanceof DerError || error instanceof CmsError).toBe(true);
      }
    };
    for (let length = 0; length < der.length; length++) attempt(der.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(der);
        changed[at] = (changed[at] ?? 0) ^ change;
        attempt(changed);
      }),
      { numRuns: 2_000 },
    );
  });
});
