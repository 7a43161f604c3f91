import { describe, expect, it } from '@jest/globals';
import { encodeCertId } from '../../../../protocols/cmp/asn1/cert-id.js';
import {
  decodeAuthenticator,
  decodeOldCertId,
  decodePkiArchiveOptions,
  decodePkiPublicationInfo,
  decodeRegToken,
  decodeUtf8Pairs,
} from '../../../../protocols/cmp/asn1/controls.js';
import { DerError, Tag } from '../../../../src/x509/der.js';
import {
  bitString,
  boolean,
  explicit,
  ia5String,
  implicit,
  nullValue,
  octetString,
  sequence,
  smallInteger,
  tlv,
  utf8String,
} from '../../../../src/x509/der-writer.js';
import { encodeName } from '../../../../src/x509/names.js';
import { parseName } from '../../../../src/x509/parse-name.js';
import { damaged } from '../../../src/x509/fixture.js';

const issuer = encodeName(parseName('CN=CA'));
const url = implicit(6, ia5String('ldap://directory.example.com'));
const enveloped = sequence(smallInteger(0), octetString(Uint8Array.of(1)));

describe('controls (RFC 4211 section 6)', () => {
  it('6.5: the certificate that is updated', () => {
    const der = sequence(explicit(4, issuer), tlv(Tag.integer, Uint8Array.of(0, 0xff)));
    expect(decodeOldCertId(der)).toEqual({ issuer, serialNumber: 'ff' });
    expect(encodeCertId({ issuer, serialNumber: 'ff' })).toEqual(der);
    expect(() => decodeOldCertId(sequence(url, smallInteger(1)))).toThrow(DerError);
    for (const [, wrong] of damaged(der)) expect(() => decodeOldCertId(wrong)).toThrow(DerError);
  });

  it('6.1, 6.2: registration token and authenticator are UTF-8', () => {
    expect(decodeRegToken(utf8String('einmal, für dich'))).toBe('einmal, für dich');
    expect(decodeAuthenticator(utf8String("mother's maiden name"))).toBe("mother's maiden name");
    for (const decode of [decodeRegToken, decodeAuthenticator]) {
      expect(() => decode(ia5String('x'))).toThrow(DerError);
      expect(() => decode(tlv(Tag.utf8String, Uint8Array.of(0xc0, 0x80)))).toThrow(DerError);
    }
  });

  it('6.3: publication', () => {
    expect(decodePkiPublicationInfo(sequence(smallInteger(0)))).toEqual({ action: 'dontPublish', pubInfos: [] });
    const infos = sequence(sequence(smallInteger(0)), sequence(smallInteger(3), url));
    expect(decodePkiPublicationInfo(sequence(smallInteger(1), infos))).toEqual({
      action: 'pleasePublish',
      pubInfos: [{ pubMethod: 'dontCare' }, { pubMethod: 'ldap', pubLocation: url }],
    });
    const wrong = [
      sequence(smallInteger(2)),
      sequence(smallInteger(1), sequence(sequence(smallInteger(4)))),
      sequence(smallInteger(1), sequence(sequence(smallInteger(1), nullValue))),
      sequence(smallInteger(1), infos, infos),
      sequence(smallInteger(1), sequence(...Array.from({ length: 33 }, () => sequence(smallInteger(0))))),
    ];
    for (const der of wrong) expect(() => decodePkiPublicationInfo(der)).toThrow(DerError);
  });

  it('6.4: archiving', () => {
    expect(decodePkiArchiveOptions(explicit(0, implicit(0, enveloped)))).toEqual({
      type: 'encryptedPrivKey',
      encryptedKey: { type: 'envelopedData', envelopedData: enveloped },
    });
    const encryptedValue = sequence(bitString(Uint8Array.of(7)));
    expect(decodePkiArchiveOptions(explicit(0, encryptedValue))).toEqual({
      type: 'encryptedPrivKey',
      encryptedKey: { type: 'encryptedValue', encryptedValue },
    });
    const parameters = Uint8Array.of(8);
    expect(decodePkiArchiveOptions(implicit(1, octetString(parameters)))).toEqual({
      type: 'keyGenParameters',
      parameters,
    });
    expect(decodePkiArchiveOptions(implicit(2, boolean(true)))).toEqual({
      type: 'archiveRemGenPrivKey',
      archive: true,
    });
    for (const der of [
      explicit(0, nullValue),
      explicit(3, nullValue),
      tlv(Tag.contextPrimitive(2), Uint8Array.of(1)),
    ]) {
      expect(() => decodePkiArchiveOptions(der)).toThrow(DerError);
    }
  });
});

describe('utf8Pairs (RFC 4211 7.1)', () => {
  it.each([
    [
      'corp_company?Works%org_unit?Pumps%',
      [
        ['corp_company', 'Works'],
        ['org_unit', 'Pumps'],
      ],
    ],
    ['without?end', [['without', 'end']]],
    ['empty?%', [['empty', '']]],
    [
      'escaped?100%25 sure%3f%3F%next?x%',
      [
        ['escaped', '100% sure??'],
        ['next', 'x'],
      ],
    ],
    ['twice?%253f%', [['twice', '%3f']]],
    ['value?a?b%', [['value', 'a?b']]],
    ['', []],
  ])('%s', (text, expected) => {
    expect(decodeUtf8Pairs(utf8String(text))).toEqual(expected);
  });

  it('are refused without a name', () => {
    for (const text of ['name', '?value%', 'a?b%c%']) expect(() => decodeUtf8Pairs(utf8String(text))).toThrow(DerError);
  });
});
