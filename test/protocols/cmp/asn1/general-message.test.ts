import { describe, expect, it } from '@jest/globals';
import { decodeCrlStatusList } from '../../../../protocols/cmp/asn1/crl-status.js';
import {
  decodeConfirmWaitTime,
  decodeGeneralMessage,
  decodeRevPassphrase,
  decodeRootCaCert,
  decodeUtf8Texts,
  encodeCertReqTemplate,
  encodeGeneralMessage,
  encodeOids,
  encodeRootCaKeyUpdate,
  encodeSequenceOf,
  encodeUtf8Texts,
} from '../../../../protocols/cmp/asn1/general-message.js';
import { idItCaCerts, idItSignKeyPairTypes } from '../../../../protocols/cmp/asn1/oids.js';
import { DerError, Tag } from '../../../../src/x509/der.js';
import {
  bitString,
  explicit,
  ia5String,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  smallInteger,
  time,
  tlv,
  utf8String,
} from '../../../../src/x509/der-writer.js';
import { encodeName } from '../../../../src/x509/names.js';
import { parseName } from '../../../../src/x509/parse-name.js';
import { damaged } from '../../../src/x509/fixture.js';
import { bytes, recordedMessage } from './recorded.js';

const certificate = sequence(sequence(smallInteger(1)));
const other = sequence(sequence(smallInteger(2)));

describe('GenMsgContent (RFC 9810 5.3.19)', () => {
  it('of openssl asks without a value', () => {
    const body = bytes(recordedMessage('openssl-genm/01-genm').body);
    expect(decodeGeneralMessage(body)).toEqual([{ id: idItSignKeyPairTypes }]);
    expect(encodeGeneralMessage([{ id: idItSignKeyPairTypes }])).toEqual(body);
    for (const [, der] of damaged(body)) expect(() => decodeGeneralMessage(der)).toThrow(DerError);
  });

  it('holds up to 100 questions, or none', () => {
    const infos = Array.from({ length: 101 }, () => ({ id: idItCaCerts, value: nullValue }));
    expect(decodeGeneralMessage(encodeGeneralMessage(infos.slice(1)))).toEqual(infos.slice(1));
    expect(() => decodeGeneralMessage(encodeGeneralMessage(infos))).toThrow(DerError);
    expect(decodeGeneralMessage(sequence())).toEqual([]);
  });
});

describe('the values of infoTypes', () => {
  it('caCerts, crls, key pair types (5.3.19.14, .17, .2): SEQUENCE OF', () => {
    expect(encodeSequenceOf([certificate, other])).toEqual(sequence(certificate, other));
  });

  it('rootCaKeyUpdate (5.3.19.15): EXPLICIT tags for the two links', () => {
    expect(encodeRootCaKeyUpdate({ newWithNew: certificate })).toEqual(sequence(certificate));
    expect(encodeRootCaKeyUpdate({ newWithNew: certificate, oldWithNew: other })).toEqual(
      sequence(certificate, explicit(1, other)),
    );
    expect(encodeRootCaKeyUpdate({ newWithNew: certificate, newWithOld: other, oldWithNew: certificate })).toEqual(
      sequence(certificate, explicit(0, other), explicit(1, certificate)),
    );
  });

  it('rootCaCert (5.3.19.15): one certificate', () => {
    expect(decodeRootCaCert(certificate)).toEqual(certificate);
    for (const [, der] of damaged(certificate)) expect(() => decodeRootCaCert(der)).toThrow(DerError);
  });

  it('certReqTemplate (5.3.19.16): template and key specifications', () => {
    const ec = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
    const subject = encodeName(parseName('O=Works'));
    const value = encodeCertReqTemplate({
      template: { subject },
      keySpec: [
        { type: 'algId', algorithm: ec },
        { type: 'rsaKeyLen', bits: 3072 },
      ],
    });
    expect(value).toEqual(
      sequence(
        sequence(explicit(5, subject)),
        sequence(sequence(oid('1.3.6.1.5.5.7.5.1.11'), ec), sequence(oid('1.3.6.1.5.5.7.5.1.12'), smallInteger(3072))),
      ),
    );
    expect(encodeCertReqTemplate({ template: {}, keySpec: [] })).toEqual(sequence(sequence()));
  });

  it('unsupportedOIDs (5.3.19.7)', () => {
    expect(encodeOids(['1.2.3'])).toEqual(sequence(oid('1.2.3')));
  });

  it('revPassphrase (5.3.19.9): EncryptedKey', () => {
    const envelopedData = sequence(smallInteger(0), octetString());
    expect(decodeRevPassphrase(implicit(0, envelopedData))).toEqual({ type: 'envelopedData', envelopedData });
    const encryptedValue = sequence(bitString());
    expect(decodeRevPassphrase(encryptedValue)).toEqual({ type: 'encryptedValue', encryptedValue });
    expect(() => decodeRevPassphrase(utf8String('secret'))).toThrow(DerError);
  });

  it('confirmWaitTime (5.1.1.2): GeneralizedTime and no other', () => {
    const moment = '20300102030405';
    expect(decodeConfirmWaitTime(tlv(Tag.generalizedTime, Buffer.from(`${moment}Z`)))).toEqual(
      new Date('2030-01-02T03:04:05Z'),
    );
    expect(() => decodeConfirmWaitTime(time(new Date('2030-01-02T03:04:05Z')))).toThrow(DerError);
    expect(() => decodeConfirmWaitTime(tlv(Tag.generalizedTime, Buffer.from(moment)))).toThrow(DerError);
  });

  it('suppLangTags and certProfile (5.3.19.13, 5.1.1.4): one text at least', () => {
    const value = sequence(utf8String('de'), utf8String('en'));
    expect(decodeUtf8Texts(value)).toEqual(['de', 'en']);
    expect(encodeUtf8Texts(['de', 'en'])).toEqual(value);
    for (const wrong of [
      sequence(),
      sequence(ia5String('de')),
      utf8String('de'),
      sequence(...Array.from({ length: 101 }, () => utf8String(''))),
    ]) {
      expect(() => decodeUtf8Texts(wrong)).toThrow(DerError);
    }
  });
});

describe('crlStatusList (RFC 9810 5.3.19.17)', () => {
  const url = implicit(6, ia5String('http://crl.example.com/1.crl'));
  const issuer = encodeName(parseName('CN=CA'));
  const thisUpdate = new Date('2026-01-01T00:00:00Z');

  it('names a CRL by distribution point or by issuer', () => {
    const rdn = setOf(sequence(oid('2.5.4.3'), utf8String('1')));
    const list = sequence(
      sequence(explicit(0, tlv(Tag.context(0), url)), time(thisUpdate)),
      sequence(explicit(0, implicit(1, rdn))),
      sequence(explicit(1, sequence(explicit(4, issuer)))),
    );
    expect(decodeCrlStatusList(list)).toEqual([
      {
        source: { type: 'distributionPoint', names: [{ type: 'uri', value: 'http://crl.example.com/1.crl' }] },
        thisUpdate,
      },
      { source: { type: 'relativeName', relativeName: rdn } },
      { source: { type: 'issuer', names: [{ type: 'directoryName', value: issuer }] } },
    ]);
  });

  it.each([
    ['an empty list', sequence()],
    ['no source', sequence(sequence(time(thisUpdate)))],
    ['a source of no names', sequence(sequence(explicit(1, sequence())))],
    ['an issuer with an IMPLICIT tag', sequence(sequence(tlv(Tag.context(1), explicit(4, issuer))))],
    ['a distribution point of an unknown form', sequence(sequence(explicit(0, explicit(2, nullValue))))],
    ['more than a time', sequence(sequence(explicit(1, sequence(url)), time(thisUpdate), nullValue))],
  ])('is refused with %s', (_, der) => {
    expect(() => decodeCrlStatusList(der)).toThrow(DerError);
  });
});
