import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (der: Uint8Array) => Buffer.from(der).toString('hex');
const read = <T>(der: string, reading: (r: DerReader) => T) => DerReader.decode(bytes(der), reading);

describe('DER reader (X.690 8, 10)', () => {
  it.each([
    ['an empty input', ''],
    ['a tag without length', '04'],
    ['a value that runs past the end', '0402ff'],
    ['trailing bytes', '0401ff00'],
    ['an indefinite length', '3080 0401ff 0000'],
    ['a long length for a short value', '048101ff'],
    ['a length with a leading zero', `0482 0080 ${'00'.repeat(128)}`],
    ['a length of five octets', '04850000000001ff'],
    ['a high tag number', '1f8101 01ff'],
    ['end-of-contents', '0000'],
  ])('refuses %s', (_, der) => {
    expect(() => read(der, (r) => r.element())).toThrow(DerError);
  });

  it('says where the error is', () => {
    expect(() => read('3003 0201 05', (r) => r.sequence((s) => s.boolean()))).toThrow(
      expect.objectContaining({ name: 'DerError', offset: 2 }),
    );
  });

  it('refuses what the structure leaves unread', () => {
    expect(() => read('3006 020105 020106', (r) => r.sequence((s) => s.smallInteger()))).toThrow('trailing bytes');
  });

  it('refuses nesting deeper than 32', () => {
    let der = w.nullValue;
    for (let i = 0; i < 40; i++) der = w.sequence(der);
    const descend = (r: DerReader): void => (r.tag === Tag.sequence ? r.sequence(descend) : r.null());
    expect(() => DerReader.decode(der, descend)).toThrow('nested too deeply');
  });

  it('refuses more values than each() allows', () => {
    expect(() => read('3006 020105 020106', (r) => r.each(Tag.sequence, (s) => s.smallInteger(), 1))).toThrow(DerError);
  });

  it('returns views whose slice() copies, of a Buffer as well', () => {
    const input = Buffer.from('0401aa', 'hex');
    const copy = DerReader.decode(input, (r) => r.octetString()).slice();
    input[2] = 0;
    expect(copy[0]).toBe(0xaa);
  });

  it.each([
    ['an empty INTEGER', '0200', (r: DerReader) => r.integer()],
    ['a positive INTEGER that is not minimal', '02020001', (r: DerReader) => r.integer()],
    ['a negative INTEGER that is not minimal', '0202ff80', (r: DerReader) => r.integer()],
    ['a negative INTEGER where none may be', '020180', (r: DerReader) => r.unsignedInteger()],
    ['a negative small INTEGER', '0201ff', (r: DerReader) => r.smallInteger()],
    ['an INTEGER too large for a number', `0207${'01'.repeat(7)}`, (r: DerReader) => r.smallInteger()],
    ['a BOOLEAN of 01', '010101', (r: DerReader) => r.boolean()],
    ['a BOOLEAN of two octets', '0102ffff', (r: DerReader) => r.boolean()],
    ['a NULL with content', '050100', (r: DerReader) => r.null()],
    ['an empty BIT STRING', '0300', (r: DerReader) => r.bitString()],
    ['unused bits in a BIT STRING of octets', '030204f0', (r: DerReader) => r.bitString()],
    ['eight unused bits', '03020800', (r: DerReader) => r.namedBits()],
    ['unused bits that are set', '030204f8', (r: DerReader) => r.namedBits()],
    ['unused bits of no bits', '030101', (r: DerReader) => r.namedBits()],
    ['an empty OID', '0600', (r: DerReader) => r.oid()],
    ['an OID arc that is cut off', '06022a86', (r: DerReader) => r.oid()],
    ['an OID arc that is not minimal', '06032a8001', (r: DerReader) => r.oid()],
    ['an OID of 65 octets', `0641${'01'.repeat(65)}`, (r: DerReader) => r.oid()],
  ])('refuses %s', (_, der, reading) => {
    expect(() => read(der, reading)).toThrow(DerError);
  });

  it('reads named bits, with trailing zero bits as well', () => {
    expect([...read('030205a0', (r) => r.namedBits())]).toEqual([0, 2]);
    expect([...read('030200a0', (r) => r.namedBits())]).toEqual([0, 2]);
    expect([...read('03020780', (r) => r.namedBits())]).toEqual([0]);
    expect([...read('030100', (r) => r.namedBits())]).toEqual([]);
  });

  it.each([
    ['1.2.840.113549.1.1.1', '06092a864886f70d010101'],
    ['2.999.3', '0603883703'],
    ['0.39', '060127'],
    ['1.39', '06014f'],
    ['2.25.329800735698586629295641978511506172918', ''],
  ])('reads and writes the OID %s', (dotted, der) => {
    const encoded = w.oid(dotted);
    if (der !== '') expect(hex(encoded)).toBe(der);
    expect(DerReader.decode(encoded, (r) => r.oid())).toBe(dotted);
  });

  it.each(['', '1', '3.1', '1.40', '1.02', '1..2', 'a.b', '1.2.-3'])('writes no OID %j', (text) => {
    expect(() => w.oid(text)).toThrow(RangeError);
  });
});

describe('Time (RFC 5280 4.1.2.5)', () => {
  const ascii = (tag: number, text: string) => w.tlv(tag, Buffer.from(text));
  it.each([
    ['1950-01-01T00:00:00Z', Tag.utcTime, '500101000000Z'],
    ['2049-12-31T23:59:59Z', Tag.utcTime, '491231235959Z'],
    ['2050-01-01T00:00:00Z', Tag.generalizedTime, '20500101000000Z'],
    ['9999-12-31T23:59:59Z', Tag.generalizedTime, '99991231235959Z'],
    ['1949-12-31T23:59:59Z', Tag.generalizedTime, '19491231235959Z'],
    ['2024-02-29T12:34:56Z', Tag.utcTime, '240229123456Z'],
  ])('writes and reads %s', (moment, tag, text) => {
    expect(hex(w.time(new Date(moment)))).toBe(hex(ascii(tag, text)));
    expect(DerReader.decode(ascii(tag, text), (r) => r.time())).toEqual(new Date(moment));
  });

  it('cuts parts of a second off', () => {
    expect(w.time(new Date('2026-01-01T00:00:00.999Z'))).toEqual(w.time(new Date('2026-01-01T00:00:00Z')));
  });

  it.each([
    [Tag.utcTime, '2601010000Z'],
    [Tag.utcTime, '260101000000+0000'],
    [Tag.utcTime, '261301000000Z'],
    [Tag.utcTime, '260229000000Z'],
    [Tag.utcTime, '260101240000Z'],
    [Tag.utcTime, '260101000060Z'],
    [Tag.utcTime, '2601010000 0Z'],
    [Tag.utcTime, '260100000000Z'],
    [Tag.generalizedTime, '20260101000000'],
    [Tag.generalizedTime, '20260101000000.5Z'],
    [Tag.generalizedTime, '260101000000Z'],
  ])('refuses (tag %i) %s', (tag, text) => {
    expect(() => DerReader.decode(ascii(tag, text), (r) => r.time())).toThrow(DerError);
  });

  it('refuses to write moments that have no four-digit year', () => {
    expect(() => w.time(new Date(Number.NaN))).toThrow(RangeError);
    expect(() => w.time(new Date('+010000-01-01T00:00:00Z'))).toThrow(RangeError);
  });
});

describe('DER writer', () => {
  it.each([0, 127, 128, 255, 256, 65535, 65536])('reads back a value of %i octets', (length) => {
    const content = new Uint8Array(length).fill(7);
    expect(DerReader.decode(w.octetString(content), (r) => r.octetString())).toEqual(content);
  });

  it('reads back any INTEGER', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (n) => DerReader.decode(w.smallInteger(n), (r) => r.smallInteger()) === n),
    );
    expect(hex(w.unsignedInteger(bytes('000080')))).toBe('02020080');
    expect(hex(w.unsignedInteger(new Uint8Array()))).toBe('020100');
    expect(() => w.smallInteger(-1)).toThrow(RangeError);
  });

  it('sorts SET OF (X.690 11.6)', () => {
    expect(hex(w.setOf(bytes('020102'), bytes('0101ff'), bytes('020101')))).toBe('31090101ff020101020102');
  });

  it('writes named bit lists without trailing zero bits (X.690 11.2.2)', () => {
    expect(hex(w.namedBits([0, 2]))).toBe('030205a0');
    expect(hex(w.namedBits([8]))).toBe('0303070080');
    expect(hex(w.namedBits([]))).toBe('030100');
  });

  it('keeps constructed as constructed under an IMPLICIT tag', () => {
    expect(hex(w.implicit(1, w.sequence(w.nullValue)))).toBe('a1020500');
    expect(hex(w.implicit(2, w.octetString(bytes('ff'))))).toBe('8201ff');
  });

  it('refuses characters that a string type does not have', () => {
    expect(() => w.printableString('a@b')).toThrow(RangeError);
    expect(() => w.ia5String('ä')).toThrow(RangeError);
  });
});
