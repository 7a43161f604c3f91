import { describe, expect, it } from '@jest/globals';
import { parseMediaType } from '../../../src/http/media-type.js';

describe('Content-Type (RFC 9110 8.3.1)', () => {
  it.each([
    ['application/pkcs10', 'application/pkcs10', {}],
    ['Application/PKCS10 ', 'application/pkcs10', {}],
    ['application/pkcs7-mime; smime-type=CMC-request', 'application/pkcs7-mime', { 'smime-type': 'CMC-request' }],
    [
      'application/pkcs7-mime;SMIME-Type="CMC-request" ; a=b',
      'application/pkcs7-mime',
      { 'smime-type': 'CMC-request', a: 'b' },
    ],
    ['multipart/mixed; boundary="a;b\\"c"', 'multipart/mixed', { boundary: 'a;b"c' }],
    ['text/plain;', 'text/plain', {}],
    ['text/plain; a=1; A=2', 'text/plain', { a: '1' }],
  ])('reads %s', (header, type, parameters) => {
    const parsed = parseMediaType(header);
    expect(parsed?.type).toBe(type);
    expect(Object.fromEntries(parsed?.parameters ?? [])).toEqual(parameters);
  });

  it.each([
    undefined,
    '',
    'pkcs10',
    'application/',
    '/x',
    'a b/c',
    'application/pkcs10, text/plain',
    `a/${'b'.repeat(1000)}`,
  ])('takes %s for none', (header) => {
    expect(parseMediaType(header)).toBeUndefined();
  });
});
