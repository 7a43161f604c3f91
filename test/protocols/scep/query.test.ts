import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeMessage, readQuery } from '../../../protocols/scep/query.js';

describe('the query of a SCEP request (RFC 8894 4.1)', () => {
  it.each([
    ['operation=GetCACaps', 'GetCACaps', undefined],
    ['operation=GetCACert&message=ca-name', 'GetCACert', 'ca-name'],
    ['message=MIIA%2B&operation=PKIOperation', 'PKIOperation', 'MIIA%2B'],
    ['Operation=%47etCACert', 'GetCACert', undefined],
    ['operation=PKIOperation&message=MA==&message=MB==', 'PKIOperation', 'MA=='],
    ['operation=PKIOperation%0A&message=', 'PKIOperation', ''],
    ['', undefined, undefined],
    ['operation', undefined, undefined],
  ])('%j has the operation %j and the message %j', (query, operation, message) => {
    expect(readQuery(query)).toEqual({ operation, message });
  });
});

// With both of the characters that base64 has beyond letters and digits, and two octets short of a group.
const octets = Buffer.from('30fbefbeff000f3ffbff', 'hex');
const base64 = octets.toString('base64');

describe('the message of a GET (RFC 8894 4.1)', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['escaped as RFC 3986 asks', encodeURIComponent(base64)],
    ['not escaped at all', base64],
    ['with only its padding escaped, as macOS sends it', base64.replaceAll('=', '%3D')],
    ['escaped in lower case', base64.replaceAll('+', '%2b').replaceAll('/', '%2f').replaceAll('=', '%3d')],
    ['escaped twice', encodeURIComponent(encodeURIComponent(base64))],
    ['with blanks for +', base64.replaceAll('+', ' ')],
    ['with escaped blanks for +', base64.replaceAll('+', '%20')],
    ['in base64url', octets.toString('base64url')],
    ['in lines of 64 characters', `${base64.slice(0, 8)}%0A${encodeURIComponent(base64.slice(8))}%0A`],
    ['in lines that end with CR LF', `${base64.slice(0, 8)}%0D%0A${base64.slice(8)}`],
    ['without padding', base64.replaceAll('=', '')],
    ['with too much padding', `${base64}==`],
    ['with an escape cut off in its padding', `${base64.replaceAll('=', '')}%3`],
    ['with a lone % at the end', `${base64.replaceAll('=', '')}%`],
    ['in double quotes', `"${base64}"`],
    ['in escaped quotes', `%22${encodeURIComponent(base64)}%22`],
    ['in single quotes', `'${base64}'`],
  ];
  it.each(forms)('is read %s', (_, message) => {
    expect(Buffer.from(decodeMessage(message))).toEqual(octets);
  });

  it('is read whatever its length', () => {
    for (let length = 1; length < 70; length++) {
      const some = randomBytes(length);
      expect(Buffer.from(decodeMessage(encodeURIComponent(some.toString('base64'))))).toEqual(some);
    }
  });

  it.each([
    ['empty', ''],
    ['padding alone', '=='],
    ['other characters', 'MII{}A'],
    ['an escape that is none in the middle', 'MII%ZZBA'],
    ['octets beyond ASCII', 'MII%C3%A4BA=='],
    ['NUL', 'MII%00BA=='],
    ['one character beyond a group', 'MIIBA'],
    ['escaped three times', 'MII%25252BAA'],
    ['padding inside', 'MA==MA=='],
  ])('is refused: %s', (_, message) => {
    expect(() => decodeMessage(message)).toThrow(expect.objectContaining({ code: 'malformed-request' }));
  });
});
