import { describe, expect, it } from '@jest/globals';
import { parseJsonObject } from '../../../protocols/acme/json.js';
import { cpuTimeOf } from '../../support/cpu-time.js';

const parse = (text: string) => parseJsonObject(Buffer.from(text), 'the message');

describe('JSON from strangers', () => {
  it('is an object, with whatever members', () => {
    expect(parse('{"a":[{"b":"}]{["}],"__proto__":1}')).toEqual(JSON.parse('{"a":[{"b":"}]{["}],"__proto__":1}'));
  });

  it.each([
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a string', '"{}"'],
    ['half an object', '{"a":'],
    ['an object and more', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['brackets that only close', ']]]]{}'],
  ])('is refused as malformed: %s', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ type: 'malformed', status: 400 }));
  });

  it('is refused where it is not UTF-8', () => {
    const octets = Uint8Array.of(0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d);
    expect(() => parseJsonObject(octets, 'the message')).toThrow('the message is not UTF-8');
  });

  it('may have ten levels and no more', () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
    expect(parse(nested(10))).toHaveProperty('a');
    expect(() => parse(nested(11))).toThrow('deeper than 10 levels');
    expect(parse(`{"a":"${'['.repeat(1000)}"}`)).toHaveProperty('a');
    expect(parse(`{"a":"\\"${'['.repeat(1000)}"}`)).toHaveProperty('a');
  });

  it('costs little however deep it claims to be', async () => {
    const deep = '['.repeat(65_536);
    const time = await cpuTimeOf(() => {
      for (let i = 0; i < 20; i++) expect(() => parse(deep)).toThrow('deeper');
    });
    expect(time).toBeLessThan(1000);
  });
});
