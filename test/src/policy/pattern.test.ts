import { describe, expect, it } from '@jest/globals';
import { compilePattern, matchesPattern, PatternError } from '../../../src/policy/pattern.js';
import { cpuTimeOf } from '../../support/cpu-time.js';

describe('patterns of profiles', () => {
  it.each([
    ['dev-[0-9]+', 'dev-12', true],
    ['dev-[0-9]+', 'xdev-12', false],
    ['dev-[0-9]+', 'dev-12x', false],
    ['dev-[0-9]+', 'dev-12\n', false],
    ['a|b', 'ab', false],
    ['([0-9A-F]{2}:){5}[0-9A-F]{2}', '00:11:22:33:44:55', true],
    ['(?:[a-z]+)?x', 'abcx', true],
    ['[a-z.]+\\.example\\.com', 'a.b.example.com', true],
    ['[^\\]()+*]+', 'abc', true],
    ['\\p{L}+', 'Größe', true],
    ['.*', 'a'.repeat(257), false],
  ])('%s against %j: %s', (pattern, value, expected) => {
    expect(matchesPattern(compilePattern(pattern), value)).toBe(expected);
  });

  it.each([
    ['(a+)+', 'repeats a group'],
    ['((a)*)*', 'repeats a group'],
    ['(a|aa)*', 'repeats a group'],
    ['(a?){30}', 'repeats a group'],
    ['(?:(?:x|y))+', 'repeats a group'],
    ['([a-z]+\\.){1,20}', 'repeats a group'],
    ['(a)\\1', 'back reference'],
    ['(?<n>a)\\k<n>', 'back reference'],
    ['.*.*.*.*', 'too many repeats'],
    ['.{0,200}.{0,200}.{0,200}.{0,200}', 'too many repeats'],
    ['(', 'no regular expression'],
    ['a{2,1}', 'no regular expression'],
    ['[a', 'no regular expression'],
    ['\\y', 'no regular expression'],
    ['x)|(?:.', 'no regular expression'],
  ])('refuses %s', (pattern, problem) => {
    expect(() => compilePattern(pattern)).toThrow(PatternError);
    expect(() => compilePattern(pattern)).toThrow(problem);
  });

  it('ends soon for the costliest pattern it takes', async () => {
    const pattern = compilePattern('.*a.*a.*');
    expect(await cpuTimeOf(() => matchesPattern(pattern, `${'a'.repeat(255)}\n`))).toBeLessThan(500);
  });
});
