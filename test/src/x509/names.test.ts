import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { attributeByName, attributeByOid, attributeTypes } from '../../../src/x509/attribute-types.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { DerError, Tag } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import { decodeName, encodeName, formatName, nameKey, namesEqual } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { damaged, x509Fixture } from './fixture.js';

const commonName = '2.5.4.3';
const raw = (tag: number, ...octets: number[]) =>
  w.sequence(w.tlv(Tag.set, w.sequence(w.oid(commonName), w.tlv(tag, Uint8Array.from(octets)))));
const cn = (value: string) => encodeName([[{ type: commonName, value }]]);
const valueTag = (type: string, value: string) => decodeName(encodeName([[{ type, value }]]))[0]?.[0]?.tag;

describe('Name (RFC 5280 4.1.2.4)', () => {
  it.each([
    ['UTF8String', Tag.utf8String, [0xc3, 0xa4], 'ä'],
    ['PrintableString, its alphabet not enforced', Tag.printableString, [0x61, 0x40, 0x2a], 'a@*'],
    ['TeletexString as Latin-1', Tag.teletexString, [0xe4], 'ä'],
    ['BMPString', Tag.bmpString, [0x00, 0xe4, 0x20, 0xac], 'ä€'],
    ['BMPString with a surrogate pair', Tag.bmpString, [0xd8, 0x3d, 0xde, 0x00], '😀'],
    ['UniversalString', Tag.universalString, [0, 1, 0xf6, 0], '😀'],
    ['IA5String', Tag.ia5String, [0x61], 'a'],
    ['NumericString', Tag.numericString, [0x31], '1'],
    ['VisibleString', Tag.visibleString, [0x61], 'a'],
    ['NUL', Tag.utf8String, [0x61, 0, 0x62], 'a\0b'],
    ['a byte order mark', Tag.utf8String, [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
  ])('reads %s', (_, tag, octets, value) => {
    expect(decodeName(raw(tag, ...octets))).toEqual([[{ type: commonName, value, tag }]]);
  });

  it.each([
    ['overlong UTF-8', Tag.utf8String, [0xc0, 0x80]],
    ['UTF-8 cut short', Tag.utf8String, [0xc3]],
    ['UTF-8 surrogates', Tag.utf8String, [0xed, 0xa0, 0x80]],
    ['odd BMPString', Tag.bmpString, [0]],
    ['a lone surrogate', Tag.bmpString, [0xd8, 0x00]],
    ['odd UniversalString', Tag.universalString, [0, 0, 0]],
    ['UniversalString beyond Unicode', Tag.universalString, [0, 0x11, 0, 0]],
    ['IA5String beyond ASCII', Tag.ia5String, [0x80]],
    ['PrintableString beyond ASCII', Tag.printableString, [0xe4]],
  ])('refuses %s', (_, tag, octets) => {
    expect(() => decodeName(raw(tag, ...octets))).toThrow(DerError);
  });

  it.each(damaged(cn('x')))('refuses a name that is %s', (_, der) => {
    expect(() => decodeName(der)).toThrow(DerError);
  });

  it('refuses an empty RDN, and more than 64 of them', () => {
    const rdn = w.setOf(w.sequence(w.oid(commonName), w.utf8String('x')));
    expect(() => decodeName(w.sequence(w.setOf()))).toThrow(DerError);
    expect(() => decodeName(w.sequence(...Array.from({ length: 65 }, () => rdn)))).toThrow(DerError);
  });

  it('compares text that is longer than any name in no time, however hard it is to normalize', async () => {
    const hostile = (count: number) => cn('\u0301'.repeat(count) + '\u0323'.repeat(20_000));
    const [one, other] = [hostile(20_000), hostile(20_001)];
    const cost = await cpuTimeOf(() => {
      expect(namesEqual(one, other)).toBe(false);
      expect(namesEqual(one, one.slice())).toBe(true);
    });
    expect(cost).toBeLessThan(500);
  });

  it('shows a value that is no string as #hex', () => {
    const name = w.sequence(w.tlv(Tag.set, w.sequence(w.oid('2.5.4.45'), w.bitString(Uint8Array.of(1)))));
    expect(decodeName(name)).toEqual([[{ type: '2.5.4.45', value: '#03020001', tag: Tag.bitString }]]);
  });

  it('writes the string type that A.1 asks for', () => {
    expect(valueTag(commonName, 'plain')).toBe(Tag.printableString);
    expect(valueTag(commonName, 'a@b')).toBe(Tag.utf8String);
    expect(valueTag('2.5.4.6', 'DE')).toBe(Tag.printableString);
    expect(valueTag('1.2.840.113549.1.9.1', 'a@b')).toBe(Tag.ia5String);
    expect(valueTag('0.9.2342.19200300.100.1.25', 'example')).toBe(Tag.ia5String);
    expect(() => encodeName([[{ type: '2.5.4.6', value: 'Ö' }]])).toThrow(RangeError);
    expect(() => encodeName([[{ type: '2.5.4.5', value: 'a@b' }]])).toThrow(RangeError);
  });

  it('knows the attribute types by every name, and their upper bounds', () => {
    expect(attributeByName('cn')).toBe(attributeByName('commonName'));
    expect(attributeByOid('2.5.4.3')?.maximumLength).toBe(64);
    expect(attributeByOid('2.5.4.6')?.maximumLength).toBe(2);
    expect(attributeByName('__proto__')).toBeUndefined();
    expect(new Set([...attributeTypes.values()].map((type) => type.oid)).size).toBe(attributeTypes.size);
  });
});

describe('comparison of names (RFC 5280 7.1)', () => {
  it('folds case and white space, and takes no notice of the string type', () => {
    expect(namesEqual(cn('Device One'), cn('  device   ONE '))).toBe(true);
    expect(namesEqual(raw(Tag.utf8String, 0x61), raw(Tag.bmpString, 0, 0x41))).toBe(true);
    expect(namesEqual(cn('Device One'), cn('DeviceOne'))).toBe(false);
    expect(namesEqual(cn('a'), encodeName([[{ type: '2.5.4.10', value: 'a' }]]))).toBe(false);
  });

  it('takes no notice of the order inside an RDN, but of the order of RDNs', () => {
    const [a, b] = [
      { type: commonName, value: 'a' },
      { type: '2.5.4.10', value: 'b' },
    ] as const;
    const unsorted = w.sequence(w.tlv(Tag.set, ...[b, a].map((x) => w.sequence(w.oid(x.type), w.utf8String(x.value)))));
    expect(namesEqual(encodeName([[a, b]]), unsorted)).toBe(true);
    expect(namesEqual(encodeName([[a], [b]]), encodeName([[b], [a]]))).toBe(false);
  });

  it('does not confuse names whose values hold separators', () => {
    const two = encodeName([[{ type: commonName, value: 'a' }], [{ type: commonName, value: 'b' }]]);
    expect(nameKey(cn('a,2.5.4.3:2=b'))).not.toBe(nameKey(two));
    expect(namesEqual(cn('a\0b'), cn('ab'))).toBe(false);
  });
});

describe('names as text (RFC 4514)', () => {
  it.each([
    ['CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net', 'James "Jim" Smith, III'],
    ['CN=Before\\0dAfter,DC=example,DC=net', 'Before\rAfter'],
    ['CN=\\#1 \\+ 2\\\\3\\;,DC=x', '#1 + 2\\3;'],
    ['CN=\\ blank\\ ,DC=x', ' blank '],
    ['CN=Lučić,DC=x', 'Lučić'],
    ['CN=a\\00b,DC=x', 'a\0b'],
  ])('parses and formats %s', (text, value) => {
    const name = parseName(text);
    expect(name.at(-1)?.[0]?.value).toBe(value);
    expect(formatName(encodeName(name))).toBe(text);
  });

  it('parses what RFC 4514 allows beyond what is written', () => {
    expect(parseName('cn = Lu\\C4\\8Di\\C4\\87 , O=x')).toEqual(parseName('CN=Lučić,O=x'));
    expect(parseName('2.5.4.3=#0c0178')).toEqual(parseName('CN=x'));
    expect(parseName('OU=Sales+CN=J.  Smith,DC=example')[1]).toHaveLength(2);
    expect(parseName('')).toEqual([]);
  });

  it('writes an attribute without a name as #hex', () => {
    expect(formatName(encodeName([[{ type: '1.2.3', value: 'x' }]]))).toBe('1.2.3=#0c0178');
  });

  it.each(['x', 'CN', 'foo=x', 'CN=a;b', 'CN="a"', 'CN=a\\', 'CN=a\\z', 'CN=#0', 'CN=#0500', 'CN=\\ff', 'CN=a,,O=b'])(
    'refuses %j',
    (text) => {
      expect(() => parseName(text)).toThrow(SyntaxError);
    },
  );

  it('keeps spaces other than the blank at the ends of a value', () => {
    const der = encodeName([[{ type: '2.5.4.3', value: '\u2003pump\u00a0' }]]);
    expect(encodeName(parseName(formatName(der)))).toEqual(der);
  });

  it('reads back every text that it writes', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    const name = fc.array(fc.record({ type: fc.constantFrom('2.5.4.3', '2.5.4.10', '1.2.3'), value: text }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(name, (attributes) => {
        const der = encodeName(attributes.map((attribute) => [attribute]));
        expect(encodeName(parseName(formatName(der)))).toEqual(der);
        expect(formatName(der)).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with node on the subject of a certificate', () => {
    const der = x509Fixture('ca.cert.der');
    const lines = new X509Certificate(der).subject.split('\n').reverse().join(',');
    expect(formatName(decodeCertificate(der).subject)).toBe(lines);
  });
});
