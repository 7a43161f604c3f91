import { describe, expect, it } from '@jest/globals';
import { decodeLocalKeyId } from '../../../../protocols/cmp/asn1/local-key-id.js';
import { decodeEnvelope } from '../../../../src/cms/enveloped-data.js';
import { DerError } from '../../../../src/x509/der.js';
import { octetString, oid, sequence, setOf, utf8String } from '../../../../src/x509/der-writer.js';
import { localKeyId, sealEnvelope } from '../../../support/cmp/seal-envelope.js';

const other = sequence(oid('1.2.3'), setOf(utf8String('x')));
const own = Buffer.from('key-1');

describe('localKeyId (RFC 2985 5.5.2)', () => {
  it('is among the unprotected attributes of an EnvelopedData', () => {
    const recipient = { kind: 'password', password: 'secret' } as const;
    const seal = (...attributes: Uint8Array[]) => decodeEnvelope(sealEnvelope({ content: own, recipient, attributes }));
    expect(decodeLocalKeyId(seal(other, localKeyId(own)).unprotectedAttributes ?? new Uint8Array())).toEqual(
      Uint8Array.from(own),
    );
    expect(seal().unprotectedAttributes).toBeUndefined();
  });

  it('need not be there', () => {
    expect(decodeLocalKeyId(setOf(other))).toBeUndefined();
    expect(decodeLocalKeyId(setOf())).toBeUndefined();
  });

  it.each<[string, Uint8Array]>([
    ['no value', setOf(localKeyId())],
    ['two values', setOf(localKeyId(own, Buffer.from('key-2')))],
    ['another type', setOf(sequence(oid('1.2.840.113549.1.9.21'), setOf(utf8String('key-1'))))],
    ['more behind its value', setOf(sequence(oid('1.2.840.113549.1.9.21'), setOf(octetString(own)), octetString(own)))],
    ['a twin', setOf(localKeyId(own), localKeyId(own))],
    ['something behind the attributes', Buffer.concat([setOf(localKeyId(own)), octetString(own)])],
  ])('is malformed with %s', (_, attributes) => {
    expect(() => decodeLocalKeyId(attributes)).toThrow(DerError);
  });
});
