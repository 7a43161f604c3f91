import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeCertConfirmContent } from '../../../../protocols/cmp/asn1/cert-confirm.js';
import { decodeRevReqContent, requestedReason } from '../../../../protocols/cmp/asn1/revocation.js';
import { decodeCertificate } from '../../../../src/x509/certificate.js';
import { DerError, Tag } from '../../../../src/x509/der.js';
import { explicit, nullValue, octetString, oid, sequence, smallInteger, tlv } from '../../../../src/x509/der-writer.js';
import { encodeExtensions } from '../../../../src/x509/extensions.js';
import { idCeCrlReasons } from '../../../../src/x509/oids.js';
import { damaged } from '../../../src/x509/fixture.js';
import { bytes, present, recordedMessage } from './recorded.js';

const minusOne = tlv(Tag.integer, Uint8Array.of(0xff));
const hash = octetString(Uint8Array.of(1, 2));

describe('CertConfirmContent (RFC 9810 5.3.18)', () => {
  it('of openssl has the hash of the certificate', () => {
    const [status, ...more] = decodeCertConfirmContent(recordedMessage('openssl-kur/03-certConf').body);
    const certificate = present(recordedMessage('openssl-kur/01-kur').extraCerts[0]);
    expect(more).toEqual([]);
    expect(Buffer.from(present(status).certHash)).toEqual(createHash('sha256').update(certificate).digest());
    expect(present(status).certReqId).toBe(0);
  });

  it('of openssl has certReqId -1 after a p10cr', () => {
    expect(decodeCertConfirmContent(recordedMessage('openssl-p10cr/03-certConf').body)).toMatchObject([
      { certReqId: -1 },
    ]);
  });

  it('may name the hash and reject', () => {
    const hashAlg = sequence(oid('2.16.840.1.101.3.4.2.3'));
    const rejection = sequence(smallInteger(2));
    expect(decodeCertConfirmContent(sequence(sequence(hash, minusOne, rejection, explicit(0, hashAlg))))).toEqual([
      { certHash: Uint8Array.of(1, 2), certReqId: -1, statusInfo: { status: 'rejection' }, hashAlg },
    ]);
    expect(decodeCertConfirmContent(sequence(sequence(octetString(), minusOne)))).toEqual([
      { certHash: new Uint8Array(), certReqId: -1 },
    ]);
  });

  it('may be empty', () => {
    expect(decodeCertConfirmContent(sequence())).toEqual([]);
  });

  it.each([
    ...damaged(bytes(recordedMessage('openssl-kur/03-certConf').body)),
    ['with an unknown status', sequence(sequence(hash, minusOne, sequence(smallInteger(9))))],
    ['without certReqId', sequence(sequence(hash))],
    ['with a hashAlg that is none', sequence(sequence(hash, minusOne, explicit(0, nullValue)))],
    ['too long', sequence(...Array.from({ length: 33 }, () => sequence(hash, minusOne)))],
  ])('is refused when it is %s', (_, der) => {
    expect(() => decodeCertConfirmContent(der)).toThrow(DerError);
  });
});

describe('RevReqContent (RFC 9810 5.3.9)', () => {
  const details = (value: Uint8Array) =>
    decodeRevReqContent(
      sequence(sequence(sequence(), encodeExtensions([{ id: idCeCrlReasons, critical: false, value }]))),
    );

  it('of openssl names the certificate and the reason', () => {
    const message = recordedMessage('openssl-rr/01-rr');
    const certificate = decodeCertificate(present(message.extraCerts[0]));
    const [revocation, ...more] = decodeRevReqContent(message.body);
    expect(more).toEqual([]);
    expect(present(revocation).template).toMatchObject({
      issuer: certificate.issuer,
      serialNumber: certificate.serialNumber,
    });
    expect(requestedReason(present(revocation))).toBe(1);
  });

  it('leaves the number of the reason to the caller', () => {
    expect(requestedReason(present(details(tlv(Tag.enumerated, Uint8Array.of(77)))[0]))).toBe(77);
    expect(requestedReason({ template: { extensions: [] }, crlEntryDetails: [] })).toBeUndefined();
    for (const value of [smallInteger(1), tlv(Tag.enumerated, Uint8Array.of(0xff)), new Uint8Array()]) {
      expect(() => requestedReason(present(details(value)[0]))).toThrow(DerError);
    }
  });

  it('needs a template only, and may be empty', () => {
    expect(decodeRevReqContent(sequence(sequence(sequence())))).toEqual([
      { template: { extensions: [] }, crlEntryDetails: [] },
    ]);
    expect(decodeRevReqContent(sequence())).toEqual([]);
  });

  it.each([
    ...damaged(bytes(recordedMessage('openssl-rr/01-rr').body)),
    ['without template', sequence(sequence())],
    ['with more than extensions', sequence(sequence(sequence(), sequence(), sequence()))],
    ['too long', sequence(...Array.from({ length: 33 }, () => sequence(sequence())))],
  ])('is refused when it is %s', (_, der) => {
    expect(() => decodeRevReqContent(der)).toThrow(DerError);
  });
});
