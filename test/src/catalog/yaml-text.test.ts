// biome-ignore-all lint/suspicious/noTemplateCurlyInString: documents have such placeholders
import { describe, expect, it } from '@jest/globals';
import { readYaml } from '../../../src/catalog/yaml-text.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { problemsOf } from './configured-store.js';

const read = (text: string, environment: Record<string, string> = {}) =>
  readYaml({ file: 'a.yaml', text, environment });

describe('YAML text', () => {
  it('is YAML 1.2: yes and no are text', () => {
    expect(read('a: yes\nb: true\nc: 0o17').value).toEqual({ a: 'yes', b: true, c: 15 });
  });

  it('says where a value stands, also through an alias, and where a key does', () => {
    const yaml = read('a: &x\n  b: 1\nc: *x\nd:\n  - e: 2\n');
    expect(yaml.position(['a', 'b'])).toBe('a.yaml:2:6');
    expect(yaml.position(['c', 'b'])).toBe('a.yaml:2:6');
    expect(yaml.position(['d', 0, 'missing'])).toBe('a.yaml:5:5');
    expect(yaml.keyPosition(['d', 0], 'e')).toBe('a.yaml:5:5');
    expect(yaml.position([])).toBe('a.yaml:1:1');
  });

  it.each([
    ['a key that is there twice', 'a: 1\na: 2\n', 'a.yaml:2:1'],
    ['what is not YAML', 'a: [1,\nb: }', 'a.yaml:2'],
    ['a second document', 'a: 1\n---\nb: 2\n', 'a.yaml:2:1'],
    ['an unknown tag', 'a: !!js/function "x"\n', 'a.yaml:1:4'],
    ['an alias without anchor', 'a: *b\n', 'a.yaml:1'],
  ])('refuses %s with its place', async (_name, text, place) => {
    const problems = await problemsOf(() => read(text));
    expect(problems[0]).toMatch(new RegExp(`^${place}`));
  });

  it('finds what stands behind an alias as soon, however many lines there are to say it of', async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `  - { name: n${i} }\n`).join('');
    const count = 4000;
    const yaml = read(`first: &list\n${lines(count)}second: *list\n`);
    const spent = await cpuTimeOf(() => {
      for (let i = 0; i < count; i++) yaml.position(['second', i, 'name']);
    });
    expect(spent).toBeLessThan(1000);
    expect(yaml.position(['second', count - 1, 'name'])).toBe(`a.yaml:${count + 1}:13`);
  });

  it('refuses aliases that multiply (billion laughs)', async () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i++) {
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    }
    expect(await problemsOf(() => read(lines.join('\n')))).toEqual([
      'a.yaml:1:1 aliases (*name) repeat too much of the file',
    ]);
  });

  it.each([
    ['in lines', Array.from({ length: 100_000 }, (_, i) => `k${i}: v\n`).join('')],
    ['in braces', `a: {${Array.from({ length: 100_000 }, (_, i) => `k${i}: v`).join(', ')}}`],
    ['without values', `{${Array.from({ length: 100_000 }, (_, i) => `k${i}`).join(',')}}`],
  ])('refuses maps of more keys than anything has: %s', async (_name, text) => {
    expect(await problemsOf(() => read(text))).toEqual(['a.yaml:1:1 a map has more than 1000 keys']);
  });

  it('takes long lists, and maps of a thousand keys', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}: v`);
    expect(
      read(`[${keys.map((key) => `{${key}}`).join(',')}, {${keys.join(',')}}, [${'x,'.repeat(5000)}]]`).value,
    ).toHaveLength(1002);
    expect(read(`${keys.join('\n')}\n`).value).toHaveProperty('k999', 'v');
  });

  it.each([
    ['flow lists', '['.repeat(100_000)],
    ['flow maps', '{a: '.repeat(100_000)],
    ['block lists', '- '.repeat(100_000)],
    ['block maps', Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('refuses %s nested too deeply', async (_name, text) => {
    expect(await problemsOf(() => read(text))).toEqual(['a.yaml:1:1 lists and maps are nested too deeply']);
  });

  it('refuses a text that is too large', async () => {
    expect(await problemsOf(() => read(`a: ${'x'.repeat(2_000_000)}`))).toEqual([
      'a.yaml:1:1 the file is larger than 2000000 characters',
    ]);
  });

  it('does not let a key reach the prototype', () => {
    const { value } = read('__proto__: { polluted: true }');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('variables', () => {
  it('stand for the environment, as a whole value and inside of one', () => {
    expect(read('a: ${X}\nb: "<${X}-${Y}>"', { X: 'one', Y: 'two' }).value).toEqual({ a: 'one', b: '<one-two>' });
  });

  it('stay text, whatever is in them', () => {
    expect(read('a: ${X}\nb: ${Y}', { X: '12', Y: '[1, {c: d}]\ne: f' }).value).toEqual({
      a: '12',
      b: '[1, {c: d}]\ne: f',
    });
  });

  it('are not looked for in what they stand for', () => {
    expect(read('a: ${X}', { X: '${Y}' }).value).toEqual({ a: '${Y}' });
  });

  it('can be written as they are', () => {
    expect(read('a: "$${X} $ {X} $5"').value).toEqual({ a: '${X} $ {X} $5' });
  });

  it('are refused when unset, empty or malformed, all with their lines', async () => {
    expect(await problemsOf(() => read('a: ${X}\nb: ${EMPTY}\nc: ${not a name}\n', { EMPTY: '' }))).toEqual([
      'a.yaml:1:4 the variable X is not set',
      'a.yaml:2:4 the variable EMPTY is not set',
      'a.yaml:3:4 after "${" a variable name and "}" must follow; write "$${" for the characters themselves',
    ]);
  });
});
