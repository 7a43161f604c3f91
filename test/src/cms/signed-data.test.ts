import { createHash, createPublicKey, verify as cryptoVerify, randomBytes, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import fc from 'fast-check';
import * as pkijs from 'pkijs';
import { singleValue } from '../../../src/cms/attributes.js';
import {
  encodeCertificateIdentifier,
  identifyByIssuer,
  identifyByKey,
} from '../../../src/cms/certificate-identifier.js';
import { CmsError } from '../../../src/cms/cms-error.js';
import { encodeContentInfo } from '../../../src/cms/content-info.js';
import { digestIdentifiers } from '../../../src/cms/digest-algorithms.js';
import { encodeSignedData } from '../../../src/cms/encode-signed-data.js';
import { idContentType, idData, idMessageDigest, idSignedData, idSigningTime } from '../../../src/cms/oids.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { findSignerCertificate, verifySigner } from '../../../src/cms/verify-signed-data.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import {
  explicit,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  smallInteger,
  tlv,
} from '../../../src/x509/der-writer.js';
import { rsaEncryption } from '../../../src/x509/oids.js';
import { importPublicKey } from '../../../src/x509/public-key.js';
import { createIdentity, createOpenSsl, type Identity, type OpenSsl } from './openssl.js';

const contentType = '1.3.6.1.5.5.7.12.2';
const content = Buffer.from('what is signed');
const signingTime = new Date('2026-11-21T08:00:00Z');

let openssl: OpenSsl;
const identities = new Map<string, Identity>();

beforeAll(() => {
  openssl = createOpenSsl();
  openssl.write('content', content);
  for (const key of ['rsa', 'P-256', 'P-384', 'ed25519'] as const)
    identities.set(key, createIdentity(openssl, key, key));
});
afterAll(() => openssl.remove());

function identity(key: string): Identity {
  const found = identities.get(key);
  if (found === undefined) throw new Error(`no identity ${key}`);
  return found;
}

async function signWith(names: readonly string[], type = contentType): Promise<Uint8Array> {
  const signedData = await encodeSignedData({
    contentType: type,
    content,
    signatures: names.map((name) => ({
      signer: identity(name).signer,
      digest: name === 'P-384' ? 'sha384' : 'sha256',
    })),
    certificates: names.map((name) => identity(name).certificate),
    signingTime,
  });
  return encodeContentInfo(idSignedData, signedData);
}

function signWithOpenSsl(key: string, ...options: string[]): Uint8Array {
  openssl.run(
    ...['cms', '-sign', '-binary', '-nodetach', '-in', 'content', '-econtent_type', contentType],
    ...['-signer', `${key}.pem`, '-inkey', `${key}.key`, '-outform', 'DER', '-out', 'signed.der', ...options],
  );
  return openssl.read('signed.der');
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value));
}

/** Verifies all signers with the certificates that came along, as a protocol would. */
function verify(der: Uint8Array, ...digests: Parameters<typeof verifySigner>[3][]): boolean[] {
  const signedData = decodeSignedData(der);
  return signedData.signers.map((signer) => {
    const certificate = findSignerCertificate(signedData, signer);
    if (certificate === undefined) return false;
    return verifySigner(signedData, signer, importPublicKey(certificate.subjectPublicKeyInfo), ...digests);
  });
}

describe('encodeSignedData (RFC 5652 section 5)', () => {
  it.each(['rsa', 'P-256', 'P-384'])('is verified by openssl and by ourselves: %s', async (key) => {
    const der = await signWith([key]);
    openssl.write('made.der', der);
    const opened = openssl.run(
      'cms',
      '-verify',
      '-inform',
      'DER',
      '-in',
      'made.der',
      '-CAfile',
      `${key}.pem`,
      '-purpose',
      'any',
    );
    expect(opened).toEqual(content);
    expect(verify(der)).toEqual([true]);
  });

  it('carries several signatures', async () => {
    const der = await signWith(['rsa', 'P-256', 'P-384'], idData);
    expect(verify(der)).toEqual([true, true, true]);
    openssl.write('made.der', der);
    expect(openssl.run('cms', '-verify', '-inform', 'DER', '-in', 'made.der', '-noverify')).toEqual(content);
  });

  it('is read alike by pkijs, and sets versions and identifiers (sections 5.1 and 5.3)', async () => {
    const der = await signWith(['P-256']);
    const info = new pkijs.ContentInfo({ schema: fromBER(Uint8Array.from(der).buffer).result });
    const signed = new pkijs.SignedData({ schema: info.content });
    expect(signed.version).toBe(3);
    expect(signed.encapContentInfo.eContentType).toBe(contentType);
    expect(signed.digestAlgorithms.map(({ algorithmId }) => algorithmId)).toEqual(['2.16.840.1.101.3.4.2.1']);
    const [signer] = signed.signerInfos;
    expect(signer?.version).toBe(1);
    expect(signer?.signatureAlgorithm.algorithmId).toBe('1.2.840.10045.4.3.2');
    expect(signer?.signedAttrs?.attributes.map(({ type }) => type).sort()).toEqual(
      [idContentType, idMessageDigest, idSigningTime].sort(),
    );
  });

  it('names the signer by its key where that is asked for, which makes its version 3 (section 5.3)', async () => {
    const { signer, certificate } = identity('P-256');
    const signatures = [{ signer, digest: 'sha256', signerNamedBy: 'key' }] as const;
    const signedData = await encodeSignedData({
      contentType,
      content,
      signatures,
      certificates: [certificate],
      signingTime,
    });
    const der = encodeContentInfo(idSignedData, signedData);
    expect(decodeSignedData(der).signers[0]?.identifier).toEqual(identifyByKey(decodeCertificate(certificate)));
    expect(verify(der)).toEqual([true]);
    openssl.write('made.der', der);
    const check = ['-CAfile', 'P-256.pem', '-purpose', 'any'];
    expect(openssl.run('cms', '-verify', '-inform', 'DER', '-in', 'made.der', ...check)).toEqual(content);
    const info = new pkijs.ContentInfo({ schema: fromBER(Uint8Array.from(der).buffer).result });
    expect(new pkijs.SignedData({ schema: info.content }).signerInfos[0]?.version).toBe(3);
  });

  it('names rsaEncryption as the signature algorithm of RSA (RFC 3370 section 3.2; strongSwan)', async () => {
    const [signer] = decodeSignedData(await signWith(['rsa'])).signers;
    expect(Buffer.from(signer?.signatureAlgorithm ?? []).toString('hex')).toBe('300d06092a864886f70d0101010500');
  });

  // openssl 3.0 cannot verify Ed25519 in CMS: the signature is checked over the SET OF by itself.
  it('uses SHA-512 and no parameters with Ed25519 (RFC 8419 sections 2.3 and 3.1)', async () => {
    const der = await signWith(['ed25519']);
    const [signer] = decodeSignedData(der).signers;
    expect(signer?.digest).toBe('sha512');
    expect(Buffer.from(signer?.signatureAlgorithm ?? []).toString('hex')).toBe('300506032b6570');
    const key = createPublicKey(identity('ed25519').privateKey);
    expect(cryptoVerify(null, signer?.signed ?? content, key, signer?.signature ?? content)).toBe(true);
    expect(verify(der)).toEqual([true]);
  });

  it('signs without a content, over the digest of no octets (RFC 8894 section 3.2: FAILURE and PENDING)', async () => {
    const signedData = await encodeSignedData({
      contentType: idData,
      signatures: [{ signer: identity('rsa').signer, digest: 'sha256' }],
      certificates: [identity('rsa').certificate],
      signingTime,
    });
    const der = encodeContentInfo(idSignedData, signedData);
    expect(decodeSignedData(der).content).toBeUndefined();
    openssl.write('made.der', der);
    openssl.write('nothing', new Uint8Array(0));
    const detached = ['-inform', 'DER', '-in', 'made.der', '-content', 'nothing', '-binary', '-noverify'];
    expect(openssl.run('cms', '-verify', ...detached)).toHaveLength(0);
    openssl.write('something', content);
    detached[detached.indexOf('nothing')] = 'something';
    expect(() => openssl.run('cms', '-verify', ...detached)).toThrow();
  });

  it.each(['rsa', 'P-256'])('signs with SHA-1 for old clients: %s', async (key) => {
    const signedData = await encodeSignedData({
      contentType: idData,
      content,
      signatures: [{ signer: identity(key).signer, digest: 'sha1' }],
      certificates: [identity(key).certificate],
      signingTime,
    });
    const der = encodeContentInfo(idSignedData, signedData);
    expect(verify(der, ['sha1'])).toEqual([true]);
    expect(() => verify(der)).toThrow(expect.objectContaining({ problem: 'unsupported' }));
    openssl.write('made.der', der);
    expect(openssl.run('cms', '-verify', '-inform', 'DER', '-in', 'made.der', '-noverify')).toEqual(content);
  });

  it('adds further signed attributes and the signing time', async () => {
    const transactionId = '2.16.840.1.113733.1.9.7';
    const signedData = await encodeSignedData({
      contentType: idData,
      content,
      signatures: [
        {
          signer: identity('rsa').signer,
          digest: 'sha256',
          attributes: new Map([[transactionId, octetString(content)]]),
        },
      ],
      certificates: [],
      signingTime,
    });
    const [signer] = decodeSignedData(encodeContentInfo(idSignedData, signedData)).signers;
    const attributes = signer?.signedAttributes ?? new Map();
    expect(singleValue(attributes, transactionId)).toEqual(octetString(content));
    const time = singleValue(attributes, idSigningTime) ?? new Uint8Array();
    expect(DerReader.decode(time, (reader) => reader.time())).toEqual(signingTime);
  });
});

describe('decodeSignedData and verifySigner (RFC 5652 sections 5.3, 5.4, 5.6)', () => {
  it.each(['rsa', 'P-256', 'P-384'])('reads and verifies what openssl signs: %s', (key) => {
    const der = signWithOpenSsl(key);
    const signedData = decodeSignedData(der);
    expect(signedData.contentType).toBe(contentType);
    expect(Buffer.from(signedData.content ?? [])).toEqual(content);
    expect(signedData.certificates).toEqual([identity(key).certificate]);
    expect(signedData.signers[0]?.identifier).toEqual(identifyByIssuer(decodeCertificate(identity(key).certificate)));
    expect(verify(der)).toEqual([true]);
  });

  it.each([
    ['a signer named by its key identifier', 'P-256', ['-keyid']],
    ['BER with indefinite lengths', 'rsa', ['-stream']],
    ['RSASSA-PSS', 'rsa', ['-keyopt', 'rsa_padding_mode:pss']],
    ['SHA-512', 'P-256', ['-md', 'sha512']],
  ])('takes %s', (_, key, options) => {
    expect(verify(signWithOpenSsl(key, ...options))).toEqual([true]);
  });

  it('refuses a SHA-1 digest unless the caller takes it', () => {
    const der = signWithOpenSsl('rsa', '-md', 'sha1');
    expect(() => verify(der)).toThrow(expect.objectContaining({ problem: 'unsupported' }));
    expect(verify(der, ['sha1'])).toEqual([true]);
  });

  it('reads a message with a digest that is not known, and reports it when the signature is verified', () => {
    const der = signWithOpenSsl('rsa', '-md', 'md5');
    const [signer] = decodeSignedData(der).signers;
    expect(signer?.digest).toBeUndefined();
    expect(signer?.signedAttributes.has(idMessageDigest)).toBe(true);
    expect(() => verify(der)).toThrow(expect.objectContaining({ problem: 'unsupported' }));
  });

  it('takes a long content in segments of a BER message', () => {
    const long = randomBytes(20_000);
    openssl.write('long', long);
    openssl.run(
      ...['cms', '-sign', '-binary', '-nodetach', '-stream', '-in', 'long', '-outform', 'DER', '-out', 'long.der'],
      ...['-signer', 'rsa.pem', '-inkey', 'rsa.key'],
    );
    const der = openssl.read('long.der');
    expect(Buffer.from(decodeSignedData(der).content ?? [])).toEqual(long);
    expect(verify(der)).toEqual([true]);
  });

  it('takes signed attributes that are not in the order of DER, signed as they were sent (old SCEP clients)', () => {
    const sorted = [
      attribute(idContentType, oid(idData)),
      attribute(idMessageDigest, octetString(createHash('sha256').update(content).digest())),
    ].sort(Buffer.compare);
    const message = (attributes: readonly Uint8Array[], signedAs: readonly Uint8Array[]) => {
      const { signer, certificate, privateKey } = identity('rsa');
      const signature = sign('sha256', tlv(Tag.set, ...signedAs), privateKey);
      const signerInfo = sequence(
        smallInteger(1),
        encodeCertificateIdentifier(identifyByIssuer(decodeCertificate(signer.certificate))),
        digestIdentifiers.sha256,
        tlv(Tag.context(0), ...attributes),
        sequence(oid(rsaEncryption), nullValue),
        octetString(signature),
      );
      return encodeContentInfo(
        idSignedData,
        sequence(
          smallInteger(1),
          setOf(digestIdentifiers.sha256),
          sequence(oid(idData), explicit(0, octetString(content))),
          tlv(Tag.context(0), certificate),
          setOf(signerInfo),
        ),
      );
    };
    const unsorted = sorted.toReversed();
    expect(verify(message(sorted, sorted))).toEqual([true]);
    expect(verify(message(unsorted, unsorted))).toEqual([true]);
    expect(verify(message(unsorted, sorted))).toEqual([false]);
  });

  it('refuses a message without signed attributes', () => {
    expect(verify(signWithOpenSsl('rsa', '-noattr'))).toEqual([false]);
  });

  it('finds no signer when the certificate was left out', () => {
    expect(verify(signWithOpenSsl('rsa', '-nocerts'))).toEqual([false]);
  });

  it('refuses another content, another content type and another key', async () => {
    const signedData = decodeSignedData(await signWith(['P-256']));
    const [signer] = signedData.signers;
    if (signer === undefined) throw new Error('no signer');
    const keyOf = (name: string) => importPublicKey(decodeCertificate(identity(name).certificate).subjectPublicKeyInfo);
    expect(verifySigner(signedData, signer, keyOf('P-256'))).toBe(true);
    expect(verifySigner({ ...signedData, content: Buffer.from('another') }, signer, keyOf('P-256'))).toBe(false);
    expect(verifySigner({ ...signedData, content: undefined }, signer, keyOf('P-256'))).toBe(false);
    expect(verifySigner({ ...signedData, contentType: idData }, signer, keyOf('P-256'))).toBe(false);
    expect(verifySigner(signedData, signer, keyOf('P-384'))).toBe(false);
    expect(verifySigner(signedData, signer, keyOf('rsa'))).toBe(false);
    expect(verifySigner(signedData, { ...signer, digest: 'sha512' }, keyOf('P-256'))).toBe(false);
  });

  it('refuses another CMS content', () => {
    openssl.run('cms', '-data_create', '-in', 'content', '-outform', 'DER', '-out', 'data.der');
    expect(() => decodeSignedData(openssl.read('data.der'))).toThrow(CmsError);
  });

  it('refuses more than 16 signers', async () => {
    const names = (count: number) => Array.from({ length: count }, () => 'ed25519');
    expect(decodeSignedData(await signWith(names(16))).signers).toHaveLength(16);
    await expect(signWith(names(17)).then(decodeSignedData)).rejects.toThrow(DerError);
  });

  it('throws only DerError and CmsError for truncated and changed messages, and verifies none that matter', async () => {
    const der = await signWith(['P-256']);
    const key = importPublicKey(decodeCertificate(identity('P-256').certificate).subjectPublicKeyInfo);
    const attempt = (bytes: Uint8Array): string[] | undefined => {
      try {
        const signedData = decodeSignedData(bytes);
        return signedData.signers
          .filter((signer) => verifySigner(signedData, signer, key))
          .map(() => `${signedData.contentType} ${Buffer.from(signedData.content ?? [])}`);
      } catch (error) {
        expect(error instanceof DerError || error instanceof CmsError).toBe(true);
        return undefined;
      }
    };
    for (let length = 0; length < der.length; length++) expect(attempt(der.subarray(0, length))).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(der);
        changed[at] = (changed[at] ?? 0) ^ change;
        for (const accepted of attempt(changed) ?? []) expect(accepted).toBe(`${contentType} ${content}`);
      }),
      { numRuns: 1_500 },
    );
  });
});
