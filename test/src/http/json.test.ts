import { describe, expect, it } from '@jest/globals';
import { hasRepeatedMember, parseJsonObject } from '../../../src/http/json.js';
import { cpuTimeOf } from '../../support/cpu-time.js';

const octets = (text: string) => Buffer.from(text);

describe('JSON objects of strangers', () => {
  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{ "a" : {}, "b":[{"c":1}], "a"\n:2}',
    '{"x":{"y":[1,{"a":"{","b":"}","a":[]}]}}',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
    '{"a\\"":1,"a\\"":2}',
  ])('have no member twice: %s', (text) => {
    expect(hasRepeatedMember(text)).toBe(true);
    expect(() => parseJsonObject(octets(text), 'the body')).toThrow('the body has a member twice in one object');
  });

  it.each([
    '{"a":"a","b":["a","a",{"a":1},{"a":2}]}',
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '{"a":"\\",\\"a\\":1"}',
    '{"a":1,"A":2,"constructor":3,"hasOwnProperty":4}',
  ])('may have one name in several objects: %s', (text) => {
    expect(hasRepeatedMember(text)).toBe(false);
    expect(parseJsonObject(octets(text), 'the body')).toEqual(JSON.parse(text));
  });

  it('are looked at once, however long', async () => {
    const members = Array.from({ length: 100_000 }, (_, i) => `"${i}":"${'\\\\'.repeat(3)}"`).join(',');
    expect(await cpuTimeOf(() => hasRepeatedMember(`{${members},"blank":"${' '.repeat(1_000_000)}"}`))).toBeLessThan(
      1000,
    );
  });
});
