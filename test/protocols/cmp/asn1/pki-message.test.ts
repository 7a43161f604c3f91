import { createHash, createHmac, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as asn1js from 'asn1js';
import {
  type BodyType,
  bodyTypes,
  decodePkiMessage,
  decodePkiMessages,
  encodeBody,
  encodePkiMessage,
  encodePkiMessages,
  protectedPart,
} from '../../../../protocols/cmp/asn1/pki-message.js';
import { decodeCertificate } from '../../../../src/x509/certificate.js';
import { DerError, DerReader, Tag } from '../../../../src/x509/der.js';
import { explicit, implicit, nullValue, oid, sequence, smallInteger, tlv } from '../../../../src/x509/der-writer.js';
import { importPublicKey } from '../../../../src/x509/public-key.js';
import { damaged } from '../../../src/x509/fixture.js';
import { bytes, present, recorded, recordedMessage, recordedNames } from './recorded.js';

const header = bytes(recordedMessage('openssl-ir-mac/01-ir').headerDer);
const confirmation = encodeBody('pkiconf', nullValue);
const message = (...parts: Uint8Array[]) => decodePkiMessage(sequence(header, ...parts));

describe('PKIMessage (RFC 9810 5.1)', () => {
  it.each(recordedNames())('is read and written back to the byte: %s', (name) => {
    const der = recorded(name);
    const read = decodePkiMessage(der);
    expect(read.bodyType).toBe(name.slice(name.lastIndexOf('-') + 1));
    expect(bytes(read.der)).toEqual(der);
    expect(encodePkiMessage(read)).toEqual(der);
    expect(encodeBody(read.bodyType, read.body)).toEqual(bytes(read.bodyDer));
  });

  it('gives the exact bytes that a MAC is computed over (5.1.3.1)', () => {
    const read = recordedMessage('openssl-ir-mac/01-ir');
    const { salt, iterations } = DerReader.decode(present(read.header.protectionAlg), (r) =>
      r.sequence((a) => {
        expect(a.oid()).toBe('1.2.840.113533.7.66.13');
        return a.sequence((p) => {
          const salt = p.octetString();
          p.element();
          const iterations = p.smallInteger();
          p.element();
          return { salt, iterations };
        });
      }),
    );
    let key: Uint8Array = Buffer.concat([Buffer.from('test'), salt]);
    for (let i = 0; i < iterations; i++) key = createHash('sha256').update(key).digest();
    expect(createHmac('sha1', key).update(protectedPart(read)).digest()).toEqual(Buffer.from(present(read.protection)));
  });

  it('gives the exact bytes that a signature is computed over (5.1.3.3)', () => {
    const read = recordedMessage('openssl-cr-implicit/01-cr');
    const [certificate] = read.extraCerts;
    const key = importPublicKey(decodeCertificate(present(certificate)).subjectPublicKeyInfo);
    expect(verify('sha256', protectedPart(read), key, present(read.protection))).toBe(true);
  });

  it('knows the 27 bodies by their tags (5.1.2)', () => {
    expect(bodyTypes).toHaveLength(27);
    const numbers: [BodyType, number][] = [
      ['ir', 0],
      ['p10cr', 4],
      ['popdecc', 5],
      ['kur', 7],
      ['rr', 11],
      ['ccr', 13],
      ['pkiconf', 19],
      ['nested', 20],
      ['genm', 21],
      ['error', 23],
      ['certConf', 24],
      ['pollRep', 26],
    ];
    for (const [type, number] of numbers) {
      expect(encodeBody(type, nullValue)[0]).toBe(0xa0 | number);
      expect(message(explicit(number, nullValue)).bodyType).toBe(type);
    }
  });

  it('needs neither protection nor certificates', () => {
    const read = message(confirmation);
    expect(read).toMatchObject({ bodyType: 'pkiconf', protection: undefined, extraCerts: [] });
    expect(message(confirmation, explicit(1, sequence())).extraCerts).toEqual([]);
  });

  it.each([
    ['a body of an unknown tag', [explicit(27, nullValue)]],
    ['a body with an IMPLICIT tag', [implicit(19, nullValue)]],
    ['a body without content', [explicit(19)]],
    ['a body with more than one content', [explicit(19, nullValue, nullValue)]],
    ['a body of a universal tag', [nullValue]],
    ['no body', []],
    ['a protection with unused bits', [confirmation, explicit(0, tlv(Tag.bitString, Uint8Array.of(1, 2)))]],
    [
      'parts in the wrong order',
      [confirmation, explicit(1, sequence()), explicit(0, tlv(Tag.bitString, Uint8Array.of(0)))],
    ],
    ['a part that is unknown', [confirmation, explicit(2, sequence())]],
    ['extraCerts that are no certificates', [confirmation, explicit(1, sequence(nullValue))]],
    ['101 extraCerts', [confirmation, explicit(1, sequence(...Array.from({ length: 101 }, () => sequence())))]],
  ])('refuses %s', (_, parts) => {
    expect(() => message(...parts)).toThrow(DerError);
  });

  it('takes 100 extraCerts', () => {
    const certificates = Array.from({ length: 100 }, () => sequence());
    expect(message(confirmation, explicit(1, sequence(...certificates))).extraCerts).toHaveLength(100);
  });

  it.each(damaged(recorded('openssl-rr/01-rr')))('refuses what is %s', (_, der) => {
    expect(() => decodePkiMessage(der)).toThrow(DerError);
  });
});

describe('nested messages (RFC 9810 5.1.3.5)', () => {
  const inner = [recorded('openssl-ir-mac/01-ir'), recorded('openssl-rr/01-rr')];

  it('are read as messages with their own bytes', () => {
    const nested = sequence(header, encodeBody('nested', encodePkiMessages(inner)));
    const read = decodePkiMessages(decodePkiMessage(nested).body);
    expect(read.map(({ bodyType }) => bodyType)).toEqual(['ir', 'rr']);
    expect(read.map(({ der }) => bytes(der))).toEqual(inner);
    expect(asn1js.fromBER(nested).offset).toBe(nested.length);
  });

  it('are 1 to 100', () => {
    const small = sequence(header, confirmation);
    expect(decodePkiMessages(encodePkiMessages(Array.from({ length: 100 }, () => small)))).toHaveLength(100);
    expect(() => decodePkiMessages(encodePkiMessages(Array.from({ length: 101 }, () => small)))).toThrow(DerError);
    expect(() => decodePkiMessages(sequence())).toThrow(DerError);
  });

  it('must be well-formed, each of them', () => {
    expect(() => decodePkiMessages(encodePkiMessages([...inner, sequence(oid('1.2.3'))]))).toThrow(DerError);
    expect(() => decodePkiMessages(encodePkiMessages([sequence(sequence(smallInteger(2)), confirmation)]))).toThrow(
      DerError,
    );
  });
});
