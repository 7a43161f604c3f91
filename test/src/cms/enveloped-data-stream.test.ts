import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { identifyByIssuer } from '../../../src/cms/certificate-identifier.js';
import { decodeEnvelopedData } from '../../../src/cms/enveloped-data.js';
import { encryptEnvelope } from '../../../src/cms/enveloped-data-stream.js';
import { idData } from '../../../src/cms/oids.js';
import type { Recipient } from '../../../src/cms/recipient-infos.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { createIdentity, createOpenSsl, type OpenSsl } from './openssl.js';

let openssl: OpenSsl;
const certificates = new Map<string, Uint8Array>();

beforeAll(() => {
  openssl = createOpenSsl();
  for (const key of ['rsa', 'P-256', 'P-384', 'P-521'] as const) {
    certificates.set(key, createIdentity(openssl, key, key).certificate);
  }
});
afterAll(() => openssl.remove());

function recipientOf(key: string): Recipient {
  const certificate = decodeCertificate(certificates.get(key) ?? new Uint8Array());
  const { subjectPublicKeyInfo } = certificate;
  const identifier = identifyByIssuer(certificate);
  if (key === 'rsa') return { type: 'keyTransport', identifier, subjectPublicKeyInfo, keyTransport: 'rsa-oaep-sha256' };
  return { type: 'keyAgreement', identifier, subjectPublicKeyInfo, hash: 'sha256', keyWrap: 'aes256-wrap' };
}

async function* inPieces(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function encrypt(key: string, ...pieces: Uint8Array[]): Promise<Uint8Array> {
  const envelope = { contentType: idData, contentEncryption: 'aes-256-cbc', recipient: recipientOf(key) } as const;
  const written: Uint8Array[] = [];
  for await (const piece of encryptEnvelope(envelope, inPieces(...pieces))) written.push(piece);
  return Buffer.concat(written);
}

function decrypt(ber: Uint8Array, key: string): Buffer {
  openssl.write('stream.ber', ber);
  const files = ['-in', 'stream.ber', '-recip', `${key}.pem`, '-inkey', `${key}.key`];
  return openssl.run('cms', '-decrypt', '-binary', '-inform', 'DER', ...files);
}

describe('EnvelopedData written as it comes (RFC 5652 section 6, BER)', () => {
  it.each(['rsa', 'P-256', 'P-384', 'P-521'])('is opened by openssl with a key of %s', async (key) => {
    const pieces = [Buffer.from('a'), Buffer.alloc(100_000, 'bc'), Buffer.alloc(0), Buffer.alloc(31, 'd')];
    expect(decrypt(await encrypt(key, ...pieces), key).equals(Buffer.concat(pieces))).toBe(true);
  });

  it('may be empty', async () => {
    expect(decrypt(await encrypt('P-256'), 'P-256')).toHaveLength(0);
  });

  it('is read by our own decoder', async () => {
    const { contentType, recipients, encryptedContent } = decodeEnvelopedData(await encrypt('rsa', Buffer.alloc(40)));
    expect(contentType).toBe(idData);
    expect(recipients.map(({ type }) => type)).toEqual(['keyTransport']);
    expect(encryptedContent).toHaveLength(48);
  });

  it('yields one piece for each that it gets, so that none has to wait for another', async () => {
    const envelope = { contentType: idData, contentEncryption: 'aes-256-cbc', recipient: recipientOf('rsa') } as const;
    let read = 0;
    const counted = (async function* () {
      for (; read < 3; read++) yield Buffer.alloc(1000);
    })();
    const pieces = encryptEnvelope(envelope, counted);
    await pieces.next();
    expect(read).toBe(0);
    await pieces.next();
    expect(read).toBe(0);
    await pieces.next();
    expect(read).toBe(1);
    await pieces.return();
  });
});
