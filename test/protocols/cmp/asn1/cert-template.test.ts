import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as asn1js from 'asn1js';
import {
  type CertTemplate,
  decodeCertTemplate,
  encodeCertTemplate,
} from '../../../../protocols/cmp/asn1/cert-template.js';
import { DerError, Tag } from '../../../../src/x509/der.js';
import {
  explicit,
  implicit,
  nullValue,
  oid,
  sequence,
  smallInteger,
  time,
  tlv,
} from '../../../../src/x509/der-writer.js';
import { encodeKeyUsage } from '../../../../src/x509/extensions.js';
import { encodeName } from '../../../../src/x509/names.js';
import { idAtCommonName, idCeKeyUsage, idCeSubjectAltName, rsaEncryption } from '../../../../src/x509/oids.js';
import { parseName } from '../../../../src/x509/parse-name.js';
import { signatureAlgorithmFor } from '../../../../src/x509/signature-algorithms.js';
import { damaged } from '../../../src/x509/fixture.js';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
const subject = encodeName(parseName('CN=device,O=Works'));
const rsa = sequence(oid(rsaEncryption), nullValue);
const bits = tlv(Tag.bitString, Uint8Array.of(4, 0xf0));
const extension = { id: idCeKeyUsage, critical: true, value: encodeKeyUsage(['digitalSignature']) };

const full: CertTemplate = {
  version: 2,
  serialNumber: 'c0ffee',
  signingAlg: signatureAlgorithmFor('ec', 'sha256').identifier,
  issuer: encodeName(parseName('CN=CA')),
  validity: { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2051-01-01T00:00:00Z') },
  subject,
  publicKey: spki,
  issuerUID: bits,
  subjectUID: bits,
  extensions: [extension],
};

/** The numbers of the context tags in a template as an independent reader sees them, and whether each is constructed. */
function outline(der: Uint8Array): [number, boolean][] {
  const { result } = asn1js.fromBER(der);
  if (!(result instanceof asn1js.Sequence)) throw new Error('no SEQUENCE');
  return result.valueBlock.value.map(({ idBlock }) => [idBlock.tagNumber, idBlock.isConstructed]);
}

describe('CertTemplate (RFC 4211 section 5)', () => {
  it('is written and read with every field', () => {
    const der = encodeCertTemplate(full);
    expect(decodeCertTemplate(der)).toEqual(full);
    expect(outline(der)).toEqual([
      [0, false],
      [1, false],
      [2, true],
      [3, true],
      [4, true],
      [5, true],
      [6, true],
      [7, false],
      [8, false],
      [9, true],
    ]);
  });

  it('has IMPLICIT tags but for the names and times, which are CHOICEs', () => {
    expect(encodeCertTemplate({ subject })).toEqual(sequence(explicit(5, subject)));
    expect(encodeCertTemplate({ publicKey: spki })).toEqual(sequence(implicit(6, spki)));
    const notAfter = new Date('2030-01-01T00:00:00Z');
    const validity = sequence(tlv(Tag.context(4), explicit(1, time(notAfter))));
    expect(encodeCertTemplate({ validity: { notAfter } })).toEqual(validity);
    expect(decodeCertTemplate(validity)).toEqual({ validity: { notAfter }, extensions: [] });
  });

  it('may be empty', () => {
    expect(decodeCertTemplate(sequence())).toEqual({ extensions: [] });
    expect(encodeCertTemplate({})).toEqual(sequence());
  });

  it('tells the wish for a key from a key by its empty BIT STRING (RFC 9483 4.1.6)', () => {
    const der = sequence(implicit(6, sequence(rsa, tlv(Tag.bitString, Uint8Array.of(0)))));
    const read = decodeCertTemplate(der);
    expect(read).toEqual({ publicKeyWish: rsa, extensions: [] });
    expect(read.publicKey).toBeUndefined();
    expect(encodeCertTemplate(read)).toEqual(der);
  });

  it('takes blanks: an empty value of a name and of an extension (RFC 9810 5.3.19.16)', () => {
    const blank = encodeName([[{ type: idAtCommonName, value: '' }]]);
    const template = {
      subject: blank,
      extensions: [{ id: idCeSubjectAltName, critical: false, value: new Uint8Array() }],
    };
    expect(decodeCertTemplate(encodeCertTemplate(template))).toEqual(template);
  });

  it('leaves versions and serial numbers to the caller', () => {
    const template = sequence(
      implicit(0, tlv(Tag.integer, Uint8Array.of(0xff))),
      implicit(1, tlv(Tag.integer, Uint8Array.of(0xfe))),
    );
    expect(decodeCertTemplate(template)).toMatchObject({ version: -1, serialNumber: '-02' });
    expect(decodeCertTemplate(sequence(implicit(0, smallInteger(7)))).version).toBe(7);
  });

  it.each([
    ['fields in the wrong order', sequence(explicit(5, subject), explicit(3, subject))],
    ['a name with an IMPLICIT tag', sequence(implicit(5, sequence(subject)).subarray(0, 4))],
    ['a name that is none', sequence(explicit(5, nullValue))],
    ['a key that is none', sequence(implicit(6, sequence(rsa)))],
    ['a key with unused bits', sequence(implicit(6, sequence(rsa, bits)))],
    ['a time that is none', sequence(tlv(Tag.context(4), explicit(0, nullValue)))],
    ['an extension twice', sequence(implicit(9, sequence(...Array(2).fill(sequence(oid('1.2.3'), tlv(4))))))],
    ['an unknown field', sequence(explicit(10, nullValue))],
    ['a serial number that is not minimal', sequence(tlv(Tag.contextPrimitive(1), Uint8Array.of(0, 1)))],
  ])('refuses %s', (_, der) => {
    expect(() => decodeCertTemplate(der)).toThrow(DerError);
  });

  it.each(damaged(encodeCertTemplate(full)))('refuses what is %s', (_, der) => {
    expect(() => decodeCertTemplate(der)).toThrow(DerError);
  });

  it('is not written with a serial number that is no hex', () => {
    expect(() => encodeCertTemplate({ serialNumber: '-01' })).toThrow(RangeError);
  });
});
