import { describe, expect, it } from '@jest/globals';
import { entityTag, matchesEntityTag, matchesStrongly } from '../../../src/http/entity-tag.js';

describe('Entity tags (RFC 9110 8.8.3, 13.1)', () => {
  const tag = entityTag(Uint8Array.of(1, 2, 3));

  it('are strong, quoted, and follow the content', () => {
    expect(tag).toMatch(/^"[\w-]{43}"$/);
    expect(entityTag(Uint8Array.of(1, 2, 3))).toBe(tag);
    expect(entityTag(Uint8Array.of(1, 2, 4))).not.toBe(tag);
  });

  it.each([
    [tag, true],
    [`"x", W/${tag}`, true],
    ['*', true],
    ['"a, *, b"', false],
    ['"x"', false],
    [tag.slice(1, -1), false],
    [undefined, false],
    ['', false],
  ])('If-None-Match: %s', (header, expected) => {
    expect(matchesEntityTag(header, tag)).toBe(expected);
  });

  it.each([
    [tag, true],
    [`"x",${tag}`, true],
    [` , "x" ,${tag} `, true],
    [' * ', true],
    ['*', true],
    ['"a, *, b"', false],
    ['"x", *', false],
    [`*, ${tag}`, false],
    [`"x" ${tag}`, false],
    [`"a,${tag}`, false],
    [`x${tag}`, false],
    [`W/${tag}`, false],
    ['"x"', false],
    ['', false],
  ])('If-Match: %s', (header, expected) => {
    expect(matchesStrongly(header, tag)).toBe(expected);
  });
});
