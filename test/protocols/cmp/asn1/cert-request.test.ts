import { verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeCertReqMessages, decodeCertRequest } from '../../../../protocols/cmp/asn1/cert-request.js';
import { certificationRequestVersion } from '../../../../protocols/cmp/asn1/certification-request.js';
import { decodeOldCertId } from '../../../../protocols/cmp/asn1/controls.js';
import { idRegCtrlOldCertId, idRegInfoUtf8Pairs } from '../../../../protocols/cmp/asn1/oids.js';
import type { ProofOfPossession } from '../../../../protocols/cmp/asn1/proof-of-possession.js';
import { decodeCertificate } from '../../../../src/x509/certificate.js';
import { DerError, Tag } from '../../../../src/x509/der.js';
import {
  bitString,
  explicit,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
  smallInteger,
  tlv,
  utf8String,
} from '../../../../src/x509/der-writer.js';
import { decodeGeneralNames } from '../../../../src/x509/general-names.js';
import { formatName } from '../../../../src/x509/names.js';
import { idCeExtKeyUsage, idCeKeyUsage, idCeSubjectAltName } from '../../../../src/x509/oids.js';
import { importPublicKey } from '../../../../src/x509/public-key.js';
import { damaged } from '../../../src/x509/fixture.js';
import { bytes, present, recordedMessage } from './recorded.js';

const decodeOne = (body: Uint8Array) => present(decodeCertReqMessages(body)[0]);
const certRequest = sequence(smallInteger(0), sequence());
const request = (...rest: Uint8Array[]) => sequence(sequence(certRequest, ...rest));

describe('CertReqMessages of openssl', () => {
  it('tell all that the template has, and are signed over the CertRequest (RFC 4211 4.1)', () => {
    const read = decodeOne(recordedMessage('openssl-ir-mac/01-ir').body);
    const { template, popo } = read;
    expect(read).toMatchObject({ certReqId: 0, controls: [], regInfo: [] });
    expect(formatName(present(template.subject))).toBe('CN=new,O=Gatehouse Test');
    const { notBefore, notAfter } = present(template.validity);
    expect(present(notAfter).getTime() - present(notBefore).getTime()).toBe(30 * 86_400_000);
    expect(template.extensions.map(({ id }) => id)).toEqual([idCeSubjectAltName]);
    expect(decodeGeneralNames(present(template.extensions[0]).value)).toEqual([
      { type: 'dns', value: 'new.example.com' },
      { type: 'ip', value: '192.0.2.7' },
    ]);
    if (popo?.type !== 'signature') throw new Error('a signature was expected');
    expect(popo.poposkInput).toBeUndefined();
    const key = importPublicKey(present(template.publicKey));
    expect(verify('sha256', read.certRequestDer, key, popo.signature)).toBe(true);
  });

  it('ask for extensions', () => {
    const { template } = decodeOne(recordedMessage('openssl-cr-implicit/01-cr').body);
    expect(template.extensions.map(({ id, critical }) => [id, critical])).toEqual([
      [idCeKeyUsage, true],
      [idCeExtKeyUsage, false],
    ]);
  });

  it('name the certificate to be updated (RFC 4211 6.5)', () => {
    const message = recordedMessage('openssl-kur/01-kur');
    const { controls } = decodeOne(message.body);
    const old = decodeCertificate(present(message.extraCerts[0]));
    expect(controls.map(({ id }) => id)).toEqual([idRegCtrlOldCertId]);
    expect(decodeOldCertId(present(controls[0]).value)).toEqual({ issuer: old.issuer, serialNumber: old.serialNumber });
  });

  it('say raVerified', () => {
    expect(decodeOne(recordedMessage('openssl-error/01-ir').body).popo).toEqual({ type: 'raVerified' });
  });

  it('are refused when damaged', () => {
    for (const [, der] of damaged(bytes(recordedMessage('openssl-ir-mac/01-ir').body))) {
      expect(() => decodeCertReqMessages(der)).toThrow(DerError);
    }
  });
});

describe('CertReqMessages (RFC 4211 section 3)', () => {
  it('are 1 to 32', () => {
    const many = (count: number) => sequence(...Array.from({ length: count }, () => sequence(certRequest)));
    expect(decodeCertReqMessages(many(32))).toHaveLength(32);
    expect(() => decodeCertReqMessages(many(33))).toThrow(DerError);
    expect(() => decodeCertReqMessages(sequence())).toThrow(DerError);
  });

  it.each([
    ['-1', Uint8Array.of(0xff), -1],
    ['1', Uint8Array.of(1), 1],
    ['-129', Uint8Array.of(0xff, 0x7f), -129],
    ['2^46', Uint8Array.of(0x40, 0, 0, 0, 0, 0), 2 ** 46],
    ['beyond', new Uint8Array(9).fill(1), Number.MAX_SAFE_INTEGER],
  ])('leave a certReqId of %s to the caller', (_, content, expected) => {
    const der = sequence(sequence(sequence(tlv(Tag.integer, content), sequence())));
    expect(decodeOne(der).certReqId).toBe(expected);
  });

  it('have no proof and no information when there is none', () => {
    expect(decodeOne(request())).toEqual({
      certRequestDer: certRequest,
      certReqId: 0,
      template: { extensions: [] },
      controls: [],
      regInfo: [],
    });
  });

  it('have registration information behind the proof or without one', () => {
    const info = sequence(sequence(oid(idRegInfoUtf8Pairs), utf8String('a?b%')));
    const regInfo = [{ id: idRegInfoUtf8Pairs, value: utf8String('a?b%') }];
    expect(decodeOne(request(info))).toMatchObject({ popo: undefined, regInfo });
    expect(decodeOne(request(implicit(0, nullValue), info))).toMatchObject({ popo: { type: 'raVerified' }, regInfo });
    expect(() => decodeCertReqMessages(request(info, info))).toThrow(DerError);
  });

  it('hold a CertRequest that can stand alone (7.2)', () => {
    expect(decodeCertRequest(certRequest)).toMatchObject({ certReqId: 0, certRequestDer: certRequest });
    expect(() => decodeCertRequest(sequence(smallInteger(0)))).toThrow(DerError);
  });
});

describe('ProofOfPossession (RFC 4211 section 4)', () => {
  const algorithm = sequence(oid('1.2.3'), nullValue);
  const key = sequence(algorithm, bitString(Uint8Array.of(4, 5)));
  const value = Uint8Array.of(1, 2, 3);
  const sender = explicit(4, sequence());
  const bySender = sequence(explicit(0, sender), key);
  const byMac = sequence(sequence(algorithm, bitString(value)), key);
  const enveloped = sequence(smallInteger(0), octetString(value));
  const signed = (...input: Uint8Array[]) => tlv(Tag.context(1), ...input, algorithm, bitString(value));
  const privateKey = (proof: Uint8Array, number = 2) => explicit(number, proof);

  const forms: [string, Uint8Array, ProofOfPossession][] = [
    ['raVerified', implicit(0, nullValue), { type: 'raVerified' }],
    ['a signature', signed(), { type: 'signature', algorithm, signature: value }],
    [
      'a signature over an authenticated sender and the key',
      signed(implicit(0, bySender)),
      { type: 'signature', poposkInput: { der: bySender, sender, publicKey: key }, algorithm, signature: value },
    ],
    [
      'a signature over a MAC of the key',
      signed(implicit(0, byMac)),
      {
        type: 'signature',
        poposkInput: { der: byMac, publicKeyMac: { algorithm, value }, publicKey: key },
        algorithm,
        signature: value,
      },
    ],
    [
      'thisMessage',
      privateKey(implicit(0, bitString(value))),
      { type: 'keyEncipherment', proof: { type: 'thisMessage', value } },
    ],
    [
      'encrCert',
      privateKey(implicit(1, smallInteger(0))),
      { type: 'keyEncipherment', proof: { type: 'subsequentMessage', method: 'encrCert' } },
    ],
    [
      'challengeResp',
      privateKey(implicit(1, smallInteger(1)), 3),
      { type: 'keyAgreement', proof: { type: 'subsequentMessage', method: 'challengeResp' } },
    ],
    ['dhMAC', privateKey(implicit(2, bitString(value)), 3), { type: 'keyAgreement', proof: { type: 'dhMAC', value } }],
    [
      'agreeMAC',
      privateKey(implicit(3, sequence(algorithm, bitString(value))), 3),
      { type: 'keyAgreement', proof: { type: 'agreeMAC', mac: { algorithm, value } } },
    ],
    [
      'encryptedKey',
      privateKey(implicit(4, enveloped)),
      { type: 'keyEncipherment', proof: { type: 'encryptedKey', envelopedData: enveloped } },
    ],
  ];

  it.each(forms)('is read: %s', (_, der, expected) => {
    expect(decodeOne(request(der)).popo).toEqual(expected);
  });

  it.each(forms)('is refused when damaged: %s', (_, der) => {
    expect(() => decodeCertReqMessages(request(der.subarray(0, -1)))).toThrow(DerError);
    expect(() => decodeCertReqMessages(request(Buffer.concat([der, Buffer.of(0)])))).toThrow(DerError);
  });

  it.each([
    ['raVerified with content', tlv(Tag.contextPrimitive(0), nullValue)],
    ['an unknown form', explicit(4, nullValue)],
    ['a POPOPrivKey of an unknown form', explicit(2, explicit(5, nullValue))],
    ['a POPOPrivKey with two proofs', explicit(2, implicit(1, smallInteger(0)), implicit(1, smallInteger(0)))],
    ['an unknown SubsequentMessage', explicit(2, implicit(1, smallInteger(2)))],
    ['a poposkInput without key', signed(implicit(0, sequence(explicit(0, sender))))],
    ['a poposkInput without authInfo', signed(implicit(0, sequence(key)))],
    ['a poposkInput whose sender is no GeneralName', signed(implicit(0, sequence(explicit(0, nullValue), key)))],
    ['a signature with unused bits', tlv(Tag.context(1), algorithm, tlv(Tag.bitString, Uint8Array.of(1, 2)))],
  ])('is refused: %s', (_, der) => {
    expect(() => decodeCertReqMessages(request(der))).toThrow(DerError);
  });
});

describe('the version of a p10cr (RFC 2986 4.1)', () => {
  const csr = (version: Uint8Array) => sequence(sequence(version, sequence(), sequence()), sequence(), bitString());

  it.each([
    ['0', smallInteger(0), 0],
    ['1', smallInteger(1), 1],
    ['-1', tlv(Tag.integer, Uint8Array.of(0xff)), -1],
  ])('is told when it is %s', (_, version, expected) => {
    expect(certificationRequestVersion(csr(version))).toBe(expected);
  });

  it('is that of openssl', () => {
    expect(certificationRequestVersion(recordedMessage('openssl-p10cr/01-p10cr').body)).toBe(0);
  });

  it('is missing from what is no request', () => {
    for (const der of [new Uint8Array(), sequence(), csr(nullValue), sequence(sequence())]) {
      expect(() => certificationRequestVersion(der)).toThrow(DerError);
    }
  });
});
