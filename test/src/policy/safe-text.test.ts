import { describe, expect, it } from '@jest/globals';
import { hasUnsafeCharacters, quote } from '../../../src/policy/safe-text.js';

describe('text of requesters', () => {
  it.each([
    'a\u0000',
    '\u001b[31m',
    'a\u0085',
    '\u202eevil',
    '\u2066x',
    '\u200b',
    '\ud800',
    '\ufeff',
    '\u2028',
    '\u007f',
  ])('%j is unsafe', (text) => {
    expect(hasUnsafeCharacters(text)).toBe(true);
  });

  it.each(['device 1', 'Größe', '設備', 'a😀b', "O'Neil & Söhne, GmbH"])('%j is safe', (text) => {
    expect(hasUnsafeCharacters(text)).toBe(false);
  });

  it('quotes without control characters and quotation marks', () => {
    expect(quote('a\u0000b"\u202ec')).toBe('"a?b??c"');
  });

  it('cuts quotations at 64 characters', () => {
    expect(quote('x'.repeat(64))).toHaveLength(66);
    expect(quote('x'.repeat(65))).toBe(`"${'x'.repeat(63)}…"`);
    expect(quote(`${'x'.repeat(62)}😀😀`)).toBe(`"${'x'.repeat(62)}?…"`);
  });
});
