import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DerError } from '../../../src/x509/der.js';
import { explicit, nullValue, octetString, oid, sequence } from '../../../src/x509/der-writer.js';
import { encodeGeneralName } from '../../../src/x509/general-names.js';
import { decodeOcspRequest } from '../../../src/x509/ocsp-request.js';
import {
  type CertStatus,
  encodeBasicResponse,
  encodeErrorResponse,
  encodeResponseData,
} from '../../../src/x509/ocsp-response.js';
import { subjectKeyIdentifier } from '../../../src/x509/public-key.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import { spkiOf } from '../../support/make-csr.js';
import { makeCertId, makeOcspRequest, nonceExtension, nonceId, readOcspResponse } from '../../support/ocsp-message.js';
import { selfSigned } from '../../support/scep-message.js';
import { damaged, x509Fixture } from './fixture.js';

const issuer = x509Fixture('ca.cert.der');
const certId = makeCertId({ issuer, serialNumber: '0c0ffee0' });

const unknownExtension = (critical: boolean) => ({ id: '1.2.3.4', critical, value: nullValue });

describe('OCSPRequest (RFC 6960 4.1)', () => {
  it.each([
    ['sha1', 20],
    ['sha256', 32],
    ['sha384', 48],
    ['sha512', 64],
  ] as const)('is read with %s, with parameters NULL and without', (hash, length) => {
    for (const hasNull of [true, false]) {
      const der = makeCertId({ issuer, serialNumber: '0c0ffee0', hash, hasNull });
      const { certIds, nonce } = decodeOcspRequest(makeOcspRequest([der]));
      expect(nonce).toBeUndefined();
      expect(certIds).toMatchObject([{ hash, serialNumber: '0c0ffee0', der }]);
      expect(certIds[0]?.issuerNameHash).toHaveLength(length);
      expect(certIds[0]?.issuerKeyHash).toHaveLength(length);
    }
  });

  it('keeps a hash that it does not know, for the others of the request', () => {
    const md5 = sequence(sequence(oid('1.2.840.113549.2.5'), nullValue), octetString(), octetString(), nullSerial);
    expect(decodeOcspRequest(makeOcspRequest([md5, certId])).certIds.map(({ hash }) => hash)).toEqual([
      undefined,
      'sha1',
    ]);
  });

  it('may say its version, its requestor and be signed, none of which is looked at (RFC 5019 2.1.2)', () => {
    const before = explicit(1, encodeGeneralName({ type: 'dns', value: 'client.example' }));
    const behind = explicit(0, sequence(octetString()));
    for (const options of [{ version: 0 }, { before }, { behind }]) {
      expect(decodeOcspRequest(makeOcspRequest([certId], options)).certIds).toHaveLength(1);
    }
    expect(() => decodeOcspRequest(makeOcspRequest([certId], { version: 1 }))).toThrow(DerError);
  });

  it.each([1, 15, 16, 32, 128])('may have a nonce of %d octets (RFC 9654 2.1)', (length) => {
    const octets = Uint8Array.from({ length }, (_, i) => i);
    const request = makeOcspRequest([certId], { extensions: [nonceExtension(octets)] });
    expect(decodeOcspRequest(request).nonce).toEqual(octets);
  });

  it.each([0, 129, 4096])('is refused with a nonce of %d octets (RFC 9654 2.1)', (length) => {
    const request = makeOcspRequest([certId], { extensions: [nonceExtension(new Uint8Array(length))] });
    expect(() => decodeOcspRequest(request)).toThrow(`nonce of ${length} octets`);
  });

  it('is refused with a nonce that is no OCTET STRING, or two', () => {
    const raw = { id: nonceId, critical: false, value: Uint8Array.from({ length: 16 }, () => 7) };
    expect(() => decodeOcspRequest(makeOcspRequest([certId], { extensions: [raw] }))).toThrow(DerError);
    const nonce = nonceExtension(new Uint8Array(16));
    expect(() => decodeOcspRequest(makeOcspRequest([certId], { extensions: [nonce, nonce] }))).toThrow(DerError);
  });

  it('is refused for critical extensions that are not handled; others are passed over (RFC 6960 4.1.2)', () => {
    const [critical, other] = [unknownExtension(true), unknownExtension(false)];
    expect(decodeOcspRequest(makeOcspRequest([certId], { extensions: [other], singleExtensions: [other] }))).toEqual({
      certIds: [expect.objectContaining({ serialNumber: '0c0ffee0' })],
    });
    expect(() => decodeOcspRequest(makeOcspRequest([certId], { extensions: [critical] }))).toThrow('critical');
    expect(() => decodeOcspRequest(makeOcspRequest([certId], { singleExtensions: [critical] }))).toThrow('critical');
  });

  it('asks for 1 to 32 certificates', () => {
    const of = (count: number) => makeOcspRequest(Array.from({ length: count }, () => certId));
    expect(decodeOcspRequest(of(32)).certIds).toHaveLength(32);
    expect(() => decodeOcspRequest(of(0))).toThrow('empty requestList');
    expect(() => decodeOcspRequest(of(33))).toThrow('more than 32');
  });

  it('is refused when damaged', () => {
    for (const [, der] of damaged(makeOcspRequest([certId]))) expect(() => decodeOcspRequest(der)).toThrow(DerError);
  });

  it('of any octets is read or refused with a DerError', () => {
    const good = makeOcspRequest([certId], { extensions: [nonceExtension(new Uint8Array(32))] });
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    const changed = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
      const der = Uint8Array.from(good);
      for (const [at, octet] of changes) der[at] = octet;
      return der;
    });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 300 })), (der) => {
        try {
          return decodeOcspRequest(der).certIds.length > 0;
        } catch (error) {
          return error instanceof DerError;
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

const nullSerial = Uint8Array.of(2, 1, 1);
const thisUpdate = new Date('2030-01-02T03:04:05Z');
const nextUpdate = new Date('2051-01-02T03:04:05Z');
const revokedAt = new Date('2029-12-31T23:59:59Z');

function respond(statuses: readonly CertStatus[], more: { nonce?: Uint8Array; hasExtendedRevoke?: boolean } = {}) {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { certificate } = selfSigned(key, 'CN=Responder', thisUpdate);
  const data = encodeResponseData({
    responderKeyHash: subjectKeyIdentifier(spkiOf(key)),
    producedAt: thisUpdate,
    responses: statuses.map((status) => ({ certId, status, thisUpdate, nextUpdate })),
    hasExtendedRevoke: false,
    ...more,
  });
  const algorithm = signatureAlgorithmFor('ec', 'sha256').identifier;
  return readOcspResponse(encodeBasicResponse(data, algorithm, sign('sha256', data, key.privateKey), certificate));
}

describe('OCSPResponse (RFC 6960 4.2)', () => {
  it('says good, revoked and unknown as pkijs reads them', () => {
    const { code, response } = respond([
      { status: 'good' },
      { status: 'revoked', revokedAt, reason: 'keyCompromise' },
      { status: 'revoked', revokedAt, reason: 'certificateHold' },
      { status: 'revoked', revokedAt, reason: 'unspecified' },
      { status: 'revoked', revokedAt },
      { status: 'unknown' },
    ]);
    expect(code).toBe(0);
    const times = { certId: Buffer.from(certId), thisUpdate, nextUpdate };
    expect(response?.statuses).toEqual([
      { ...times, status: 'good' },
      { ...times, status: 'revoked', revokedAt, reason: 1 },
      { ...times, status: 'revoked', revokedAt, reason: 6 },
      { ...times, status: 'revoked', revokedAt },
      { ...times, status: 'revoked', revokedAt },
      { ...times, status: 'unknown' },
    ]);
    expect(response).toMatchObject({ producedAt: thisUpdate, nonce: undefined, extensionIds: [] });
  });

  it('sends the nonce back (4.4.1), and says that revoked may mean not issued (4.4.8)', () => {
    const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);
    const { response } = respond([{ status: 'unknown' }], { nonce, hasExtendedRevoke: true });
    expect(response?.nonce).toEqual(Buffer.from(nonce));
    expect(response?.extensionIds).toEqual([nonceId, '1.3.6.1.5.5.7.48.1.9']);
  });

  it.each([
    ['malformedRequest', 1],
    ['internalError', 2],
    ['tryLater', 3],
    ['unauthorized', 6],
  ] as const)('says %s in five octets', (error, code) => {
    const der = encodeErrorResponse(error);
    expect(Buffer.from(der).toString('hex')).toBe(`30030a010${code}`);
    expect(readOcspResponse(der)).toEqual({ code });
  });
});
