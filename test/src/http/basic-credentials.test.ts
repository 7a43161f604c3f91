import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { basicChallenge, parseBasicCredentials } from '../../../src/http/basic-credentials.js';

const basic = (text: string | Uint8Array, scheme = 'Basic'): string =>
  `${scheme} ${Buffer.from(typeof text === 'string' ? Buffer.from(text) : text).toString('base64')}`;

describe('Basic authentication (RFC 7617)', () => {
  it.each([
    ['user:pass', 'user', 'pass'],
    [':pass', '', 'pass'],
    ['user:', 'user', ''],
    ['user:a:b:', 'user', 'a:b:'],
    ['jürgen:pässwörd€', 'jürgen', 'pässwörd€'],
  ])('reads %s', (text, username, password) => {
    expect(parseBasicCredentials(basic(text))).toEqual({ username, password });
  });

  it('does not mind the case of the scheme (RFC 9110 11.1)', () => {
    expect(parseBasicCredentials(basic('a:b', 'bAsIc'))).toEqual({ username: 'a', password: 'b' });
  });

  it.each([
    ['no header', undefined],
    ['another scheme', basic('a:b', 'Bearer')],
    ['no colon', basic('ab')],
    ['control characters', basic('a:b\n')],
    ['NUL', basic('a\0:b')],
    ['no UTF-8', basic(Uint8Array.of(0x61, 0x3a, 0xff))],
    ['no base64', 'Basic a:b'],
    ['nothing', 'Basic '],
    ['two', 'Basic YTpi, Basic YTpi'],
    ['too much', basic(`a:${'b'.repeat(3000)}`)],
  ])('takes %s for no credentials', (_, header) => {
    expect(parseBasicCredentials(header)).toBeUndefined();
  });

  it('reads back whatever has no control characters', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 50 }).filter((t) => !/\p{Cc}/u.test(t));
    fc.assert(
      fc.property(text, text, (username, password) => {
        fc.pre(!username.includes(':'));
        expect(parseBasicCredentials(basic(`${username}:${password}`))).toEqual({ username, password });
      }),
    );
  });

  it('asks for UTF-8', () => {
    expect(basicChallenge('estrealm')).toBe('Basic realm="estrealm", charset="UTF-8"');
  });
});
