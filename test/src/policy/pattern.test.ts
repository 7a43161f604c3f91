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
    ['\\u{61}{2}', 'aa', true],
    ['(?:[A-Z]{2,4}|[0-9]+)-(?<unit>[a-z]+)-[0-9]+', 'AB-x-1', true],
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
    [`${'(?:a|a)'.repeat(22)}a{200}b`, 'too many repeats'],
    [`${'(?:a|a)'.repeat(20)}(?:${'|'.repeat(100)})`, 'too many repeats'],
    ['.*.*.*a{30}b', 'too many repeats'],
    ['(?<=.*.*)(?=.*.*)b', 'too many repeats'],
    ['(){1000000000}', 'too many repeats'],
    ['(?:(?:a{1000}){1000}){1000}', 'too many repeats'],
    [`(?:a{${'9'.repeat(400)}}){2}`, 'too many repeats'],
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

  it.each([
    ['three unbounded repeats and a tail', '.*.*.*a{7}b'],
    ['alternatives that are all alike', `${'(?:a|a)'.repeat(16)}a{200}b`],
    ['optional elements', `${'a?'.repeat(17)}a{200}b`],
    ['what looks ahead', '(?=.*.*b|.*).*b'],
    ['what looks behind', '.*(?<=.*a)b'],
    ['empty elements', '(){1000000}.*b'],
  ])('takes %s, and ends soon', async (_, source) => {
    const pattern = compilePattern(source);
    expect(await cpuTimeOf(() => matchesPattern(pattern, 'a'.repeat(256)))).toBeLessThan(1000);
  });

  it('never tries a value that is longer, however long', async () => {
    const pattern = compilePattern('a*a*a*b');
    expect(await cpuTimeOf(() => matchesPattern(pattern, 'a'.repeat(65_536)))).toBeLessThan(50);
  });

  it('takes lists of names, however long', () => {
    const names = Array.from({ length: 60 }, (_, i) => `pump-${i}`);
    const pattern = compilePattern(`(?:${names.join('|')})\\.example`);
    expect(names.map((name) => matchesPattern(pattern, `${name}.example`))).not.toContain(false);
  });
});
