import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeEncryptedKey, type KeyRecipient } from '../../../protocols/est/key-package.js';
import { identifyByIssuer } from '../../../src/cms/certificate-identifier.js';
import { encodeContentInfo } from '../../../src/cms/content-info.js';
import { decodeEnvelopedData } from '../../../src/cms/enveloped-data.js';
import { idSignedData } from '../../../src/cms/oids.js';
import type { SmimeCapability } from '../../../src/cms/smime-capabilities.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { DerReader } from '../../../src/x509/der.js';
import { oid, sequence } from '../../../src/x509/der-writer.js';
import { createIdentity, createOpenSsl, type Identity, type keyOptions, type OpenSsl } from '../../src/cms/openssl.js';

const pkcs8 = Uint8Array.from(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' }),
);
let openssl: OpenSsl;
let signer: Identity;
const clients = new Map<string, Identity>();

beforeAll(() => {
  openssl = createOpenSsl();
  signer = createIdentity(openssl, 'signer', 'rsa');
  for (const key of ['rsa', 'P-256', 'P-384', 'ed25519'] as const satisfies (keyof typeof keyOptions)[]) {
    clients.set(key, createIdentity(openssl, key, key));
  }
});
afterAll(() => openssl.remove());

function publicKey(name: string): KeyRecipient {
  const certificate = decodeCertificate(clients.get(name)?.certificate ?? new Uint8Array());
  const { subjectPublicKeyInfo } = certificate;
  return { type: 'publicKey', identifier: identifyByIssuer(certificate), subjectPublicKeyInfo };
}

const secretKey = (octets: number): Extract<KeyRecipient, { type: 'secretKey' }> => ({
  type: 'secretKey',
  keyIdentifier: Uint8Array.of(0xc0, 0xff, 0xee),
  key: randomBytes(octets),
});

const capability = (id: string, parameters?: Uint8Array): SmimeCapability => ({ id, parameters });
const aes128 = capability('2.16.840.1.101.3.4.1.2');
const aes192 = capability('2.16.840.1.101.3.4.1.22');
const tripleDes = capability('1.2.840.113549.3.7');
const aes128Wrap = capability('2.16.840.1.101.3.4.1.5');
const aes256Wrap = capability('2.16.840.1.101.3.4.1.45');
const rsaOaep = capability('1.2.840.113549.1.1.7', sequence());
const ecdhSha512 = capability('1.3.132.1.11.3', sequence(oid('2.16.840.1.101.3.4.1.25')));

function encrypt(recipient: KeyRecipient, ...capabilities: SmimeCapability[]): Promise<Uint8Array> {
  const signingTime = new Date();
  return encodeEncryptedKey({
    pkcs8,
    signer: signer.signer,
    certificates: [signer.certificate],
    signingTime,
    recipient,
    capabilities,
  });
}

/** Opens both layers with openssl and returns the private key. */
function open(der: Uint8Array, ...options: string[]): Uint8Array {
  openssl.write('key.der', der);
  const signedData = openssl.run('cms', '-decrypt', '-binary', '-inform', 'DER', '-in', 'key.der', ...options);
  openssl.write('signed.der', encodeContentInfo(idSignedData, signedData));
  const verify = [
    'cms',
    '-verify',
    '-inform',
    'DER',
    '-in',
    'signed.der',
    '-CAfile',
    'signer.pem',
    '-purpose',
    'any',
    '-binary',
  ];
  const keyPackage = openssl.run(...verify);
  return DerReader.decode(keyPackage, (reader) => reader.sequence((keys) => keys.element()));
}

const withKey = (name: string) => ['-recip', `${name}.pem`, '-inkey', `${name}.key`];

function algorithms(der: Uint8Array): string {
  const { recipients, contentEncryption } = decodeEnvelopedData(der);
  const [recipient] = recipients;
  const idOf = (algorithm: Uint8Array) =>
    DerReader.decode(algorithm, (reader) =>
      reader.sequence((a) => {
        const id = a.oid();
        while (a.more) a.element();
        return id;
      }),
    );
  return recipient === undefined || recipient.type === 'other'
    ? ''
    : `${idOf(recipient.algorithm)} ${idOf(contentEncryption)}`;
}

describe('encrypted private keys (RFC 7030 section 4.4.2, RFC 5958 section 4)', () => {
  it.each([
    ['RSA', 'rsa'],
    ['EC P-256', 'P-256'],
    ['EC P-384', 'P-384'],
  ])('are opened by openssl with the client key: %s', async (_, name) => {
    expect(open(await encrypt(publicKey(name)), ...withKey(name))).toEqual(pkcs8);
  });

  it.each([16, 24, 32])('are opened by openssl with a secret key of %d octets', async (octets) => {
    const recipient = secretKey(octets);
    const options = ['-secretkey', Buffer.from(recipient.key).toString('hex'), '-secretkeyid', 'c0ffee'];
    expect(open(await encrypt(recipient), ...options)).toEqual(pkcs8);
  });

  it('say that a SignedData is what is encrypted', async () => {
    expect(decodeEnvelopedData(await encrypt(publicKey('rsa'))).contentType).toBe(idSignedData);
  });

  it.each<[string, string, SmimeCapability[], string]>([
    ['RSA, nothing said', 'rsa', [], '1.2.840.113549.1.1.1 2.16.840.1.101.3.4.1.42'],
    [
      'RSA, OAEP and AES-128 preferred',
      'rsa',
      [tripleDes, rsaOaep, aes128, aes192],
      '1.2.840.113549.1.1.7 2.16.840.1.101.3.4.1.2',
    ],
    ['EC, nothing said', 'P-384', [], '1.3.132.1.11.2 2.16.840.1.101.3.4.1.42'],
    ['EC, a key wrap named', 'P-256', [aes256Wrap], '1.3.132.1.11.1 2.16.840.1.101.3.4.1.42'],
    ['EC, a scheme named', 'P-256', [ecdhSha512, aes128], '1.3.132.1.11.3 2.16.840.1.101.3.4.1.2'],
    ['EC, a scheme alone', 'P-256', [ecdhSha512], '1.3.132.1.11.3 2.16.840.1.101.3.4.1.22'],
  ])("follow the client's capabilities: %s", async (_, name, capabilities, expected) => {
    const der = await encrypt(publicKey(name), ...capabilities);
    expect(algorithms(der)).toBe(expected);
    expect(open(der, ...withKey(name))).toEqual(pkcs8);
  });

  it('wrap with the algorithm that the secret key is for', async () => {
    const wrap256 = '2.16.840.1.101.3.4.1.45';
    expect(algorithms(await encrypt(secretKey(32), aes128Wrap, aes256Wrap))).toBe(`${wrap256} 2.16.840.1.101.3.4.1.42`);
    expect(algorithms(await encrypt(secretKey(32), aes192))).toBe(`${wrap256} 2.16.840.1.101.3.4.1.22`);
  });

  it.each<[string, () => KeyRecipient, SmimeCapability[]]>([
    ['content encryptions that are not supported', () => publicKey('rsa'), [tripleDes]],
    ['key wraps that do not fit the secret key', () => secretKey(32), [aes128Wrap, aes128]],
    ['a secret key that is no AES key', () => secretKey(20), []],
    ['a client key that cannot decrypt', () => publicKey('ed25519'), []],
    [
      'a client key that is none',
      () => ({ ...publicKey('rsa'), subjectPublicKeyInfo: sequence() }) as KeyRecipient,
      [],
    ],
  ])('are refused for %s', async (_, recipient, capabilities) => {
    await expect(encrypt(recipient(), ...capabilities)).rejects.toMatchObject({ code: 'unsupported-algorithm' });
  });
});
