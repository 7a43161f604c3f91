import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DerError } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import { decodeGeneralNames, encodeGeneralNames } from '../../../src/x509/general-names.js';
import { formatIpAddress, parseIpAddress } from '../../../src/x509/ip-address.js';
import { damaged } from './fixture.js';

describe('GeneralNames (RFC 5280 4.2.1.6)', () => {
  const ip = (...octets: number[]) => w.sequence(w.tlv(0x87, Uint8Array.from(octets)));

  it.each([
    ['no name', w.sequence()],
    ['an address of 5 octets', ip(1, 2, 3, 4, 5)],
    ['an address with mask', ip(10, 0, 0, 0, 255, 0, 0, 0)],
    ['an unknown choice', w.sequence(w.tlv(0x89, Uint8Array.of(1)))],
    ['a constructed dNSName', w.sequence(w.tlv(0xa2, w.ia5String('x')))],
    ['a dNSName beyond ASCII', w.sequence(w.tlv(0x82, Uint8Array.of(0xe4)))],
    ['an otherName without value', w.sequence(w.tlv(0xa0, w.oid('1.2.3')))],
    ['a directoryName that is no SEQUENCE', w.sequence(w.explicit(4, w.nullValue))],
    ...damaged(encodeGeneralNames([{ type: 'dns', value: 'a' }])),
  ])('refuses %s', (_, der) => {
    expect(() => decodeGeneralNames(der)).toThrow(DerError);
  });

  it('keeps NUL for the policy to refuse, and unknown forms whole', () => {
    const names = [
      { type: 'dns', value: 'a\0.example' },
      { type: 'other', tag: 0xa5, der: w.explicit(5, w.explicit(1, w.utf8String('x'))) },
    ] as const;
    expect(decodeGeneralNames(encodeGeneralNames(names))).toEqual(names);
  });

  it('refuses to write what is no such name', () => {
    expect(() => encodeGeneralNames([{ type: 'dns', value: 'ä.example' }])).toThrow(RangeError);
    expect(() => encodeGeneralNames([{ type: 'ip', value: '10.0.0.0/8' }])).toThrow(RangeError);
  });

  it('fails with nothing but DerError on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (content) => {
        try {
          decodeGeneralNames(w.sequence(content));
        } catch (error) {
          if (!(error instanceof DerError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('IP addresses as text (RFC 5952)', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  ])('writes %s as %s', (text, canonical) => {
    expect(formatIpAddress(parseIpAddress(text) ?? new Uint8Array())).toBe(canonical);
  });

  it.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', '10.0.0.0/8', 'fe80::1%eth0', '1::2::3', 'example'])(
    'finds no address in %j',
    (text) => {
      expect(parseIpAddress(text)).toBeUndefined();
    },
  );

  it('reads back every address that it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        expect(parseIpAddress(formatIpAddress(octets))).toEqual(octets);
      }),
    );
    expect(() => formatIpAddress(new Uint8Array(8))).toThrow(RangeError);
  });
});
