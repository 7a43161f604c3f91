import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toDer } from '../../../src/cms/ber.js';
import { DerError } from '../../../src/x509/der.js';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const normalized = (text: string) => Buffer.from(toDer(hex(text))).toString('hex');

describe('BER to DER (X.690 section 8, RFC 5652 section 1.1)', () => {
  it('returns DER as it is, without a copy', () => {
    const der = hex('30 08 02 01 05 04 03 61 62 63');
    expect(toDer(der)).toBe(der);
    const empty = hex('30 00');
    expect(toDer(empty)).toBe(empty);
  });

  it.each([
    ['indefinite length', '30 80 02 01 05 00 00', '3003020105'],
    ['an empty value of indefinite length', '30 80 00 00', '3000'],
    ['nested indefinite lengths', '30 80 31 80 02 01 05 00 00 05 00 00 00', '300731030201050500'],
    ['a length with too many octets', '30 82 00 03 02 01 05', '3003020105'],
    ['a long length inside a value of definite length', '30 04 02 81 01 05', '3003020105'],
    ['an OCTET STRING in segments', '24 80 04 02 61 62 04 01 63 00 00', '0403616263'],
    ['an OCTET STRING in segments of definite length', '24 07 04 02 61 62 04 01 63', '0403616263'],
    ['segments in segments', '24 80 24 80 04 01 61 00 00 04 01 62 00 00', '04026162'],
    ['an OCTET STRING of no segments', '24 80 00 00', '0400'],
    ['a context tag of indefinite length', 'a0 80 02 01 05 00 00', 'a003020105'],
    ['changed values between kept ones', '30 0c 02 01 01 02 81 01 02 02 01 03 05 00', '300b0201010201020201030500'],
  ])('rewrites %s', (_, ber, der) => {
    expect(normalized(ber)).toBe(der);
  });

  it.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a missing end-of-contents', '30 80 02 01 05'],
    ['half an end-of-contents', '30 80 02 01 05 00'],
    ['bytes behind the value', '30 00 00'],
    ['bytes behind an end-of-contents', '30 80 00 00 00'],
    ['an indefinite length of a primitive value', '04 80 61 00 00'],
    ['a value that runs past its container', '30 03 04 02 61'],
    ['a length of five octets', '04 85 00 00 00 00 01 61'],
    ['a truncated length', '04 82 01'],
    ['a high tag number', '3f 21 00'],
    ['an end-of-contents inside a definite length', '30 02 00 00'],
    ['a constructed BIT STRING', '23 80 03 02 00 61 00 00'],
    ['segments that are no OCTET STRINGs', '24 80 02 01 05 00 00'],
  ])('refuses %s', (_, ber) => {
    expect(() => toDer(hex(ber))).toThrow(DerError);
  });

  it('refuses nesting deeper than 32', () => {
    const nested = (depth: number) => hex(`${'30 80'.repeat(depth)}05 00${'00 00'.repeat(depth)}`);
    expect(toDer(nested(32))).toHaveLength(2 + 32 * 2);
    expect(() => toDer(nested(33))).toThrow(DerError);
    expect(() => toDer(hex('30 80'.repeat(50_000)))).toThrow(DerError);
  });

  it('refuses too many values and too many bytes', () => {
    const values = (count: number) => hex(`30 80${'05 81 00'.repeat(count)}00 00`);
    expect(toDer(values(19_999))).toHaveLength(4 + 2 * 19_999);
    expect(() => toDer(values(20_000))).toThrow(DerError);
    expect(() => toDer(new Uint8Array((1 << 20) + 1))).toThrow(DerError);
  });

  it('throws nothing but DerError, and what it returns it would return again', () => {
    const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x30, 0x80, 0x00, 0x24, 0x04, 0xa0, 0x02));
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 60 }), (octets) => {
        let der: Uint8Array;
        try {
          der = toDer(Uint8Array.from(octets));
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
          return;
        }
        expect(toDer(der)).toBe(der);
      }),
      { numRuns: 5_000 },
    );
  });
});
