import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { InputError } from '../../../src/jobs/input/input-error.js';
import { type InputFormat, type InputRow, openInput } from '../../../src/jobs/input/read-rows.js';
import { limited } from '../../../src/jobs/input/text-blocks.js';
import type { JobKind } from '../../../src/jobs/job-kind.js';
import { chunksOf } from './job-store.js';

/** A kind with all sorts of columns. */
const kind: JobKind = {
  name: 'register-devices',
  summary: '',
  permission: 'device:register',
  options: z.strictObject({}),
  row: z.strictObject({
    name: z.string(),
    dns: z.array(z.string()).optional(),
    identifiers: z.record(z.string(), z.string()).optional(),
    attributes: z.record(z.string(), z.string()).optional(),
  }),
  columns: [
    { name: 'name', isRequired: true, meaning: '' },
    { name: 'dns', isList: true, meaning: '' },
  ],
  resultColumns: [],
  divisionOf: () => 'plant',
  perform: async () => undefined,
};

async function read(
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  format: InputFormat = 'csv',
  chunkSize?: number,
): Promise<{ rows: InputRow[]; columns: readonly string[] }> {
  const source = typeof content === 'string' || content instanceof Uint8Array ? chunksOf(content, chunkSize) : content;
  const input = await openInput(source, format, kind);
  const rows: InputRow[] = [];
  for await (const row of input.rows) rows.push(row);
  return { rows, columns: input.columns() };
}

async function problemsOf(...[content, format]: Parameters<typeof read>): Promise<InputError['problems']> {
  const error: unknown = await read(content, format).then(
    () => undefined,
    (refused) => refused,
  );
  if (error instanceof InputError) return error.problems;
  throw error ?? new Error('it was taken');
}

function values(rows: readonly InputRow[]): unknown[] {
  return rows.map(({ text }) => JSON.parse(text));
}

describe('a CSV file (RFC 4180)', () => {
  it('gives rows by the columns of its header, without empty cells', async () => {
    const { rows, columns } = await read('name,identifier.serial,attribute.site\na,1,north\nb,,south\n');
    expect(columns).toEqual(['name', 'identifier.serial', 'attribute.site']);
    expect(values(rows)).toEqual([
      { name: 'a', 'identifier.serial': '1', 'attribute.site': 'north' },
      { name: 'b', 'attribute.site': 'south' },
    ]);
  });

  it.each([
    ['CRLF', 'name,dns\r\na,x\r\nb,y\r\n'],
    ['LF', 'name,dns\na,x\nb,y\n'],
    ['both', 'name,dns\r\na,x\nb,y\r\n'],
    ['no end of the last line', 'name,dns\na,x\nb,y'],
    ['a byte order mark', '\ufeffname,dns\na,x\nb,y\n'],
    ['empty lines', 'name,dns\n\na,x\n\nb,y\n\n'],
    ['quotes', '"name","dns"\n"a","x"\nb,"y"\n'],
  ])('is read with %s', async (_, text) => {
    expect(values((await read(text)).rows)).toEqual([
      { name: 'a', dns: 'x' },
      { name: 'b', dns: 'y' },
    ]);
  });

  it('has commas, quotes and line ends in quoted cells', async () => {
    const { rows } = await read('name,attribute.note\na,"one, ""two""\r\nthree"\nb,\n');
    expect(values(rows)).toEqual([{ name: 'a', 'attribute.note': 'one, "two"\r\nthree' }, { name: 'b' }]);
  });

  it.each([1, 2, 3, 7])('is the same in chunks of %d bytes, with a character cut in two', async (size) => {
    const text = '\ufeffname,attribute.site\r\nä-€-😀,"n\nö"\r\nb,c\r\n';
    expect(values((await read(text, 'csv', size)).rows)).toEqual([
      { name: 'ä-€-😀', 'attribute.site': 'n\nö' },
      { name: 'b', 'attribute.site': 'c' },
    ]);
  });

  it('may have the columns that a file of failures adds, which are not looked at', async () => {
    const { rows, columns } = await read('name,error_code,error_reason\na,rejected-name,because\n');
    expect(columns).toEqual(['name']);
    expect(values(rows)).toEqual([{ name: 'a' }]);
  });

  it('takes a row that does not fit the kind of job for one that has failed, and goes on', async () => {
    const { rows } = await read('name,dns\n,x\nb,"x  y"\n');
    expect(rows.map(({ problem }) => problem)).toEqual([expect.stringContaining('name: '), undefined]);
  });

  it.each([
    ['unknown', 'name,serial\na,1\n', 'unknown column "serial"'],
    ['of another case', 'Name\na\n', 'unknown column "Name", and missing column "name"'],
    ['doubled', 'name,dns,dns\na,1,2\n', 'doubled column "dns"'],
    ['missing', 'dns\nx\n', 'missing column "name"'],
    ['a map without a name', 'name,identifier.\na,1\n', 'unknown column "identifier."'],
    ['a map with a name of no map', 'name,identifier.__proto__\na,1\n', 'unknown column "identifier.__proto__"'],
  ])('is refused for a column that is %s, which is named', async (_, text, problem) => {
    const [{ line, message } = { message: '' }] = await problemsOf(text);
    expect(line).toBe(1);
    expect(message).toContain(problem);
    expect(message).toContain('the columns are name,dns,identifier.<name>,attribute.<name>');
  });

  it.each([
    [';', 'name;dns\na;x\n'],
    ['tabs', 'name\tdns\na\tx\n'],
  ])('is refused for cells that are separated by %s', async (separator, text) => {
    expect((await problemsOf(text))[0]?.message).toContain(separator);
  });

  it('is refused with the lines of all rows that have another number of cells than the header', async () => {
    expect(await problemsOf('name,dns\na,1,2\nb,1\nc\n')).toEqual([
      { line: 2, message: 'it has 3 cells, and the header 2' },
      { line: 4, message: 'it has 1 cells, and the header 2' },
    ]);
  });

  it('is refused with no more than 20 problems', async () => {
    expect(await problemsOf(`name,dns\n${'a\n'.repeat(1000)}`)).toHaveLength(20);
  });

  it.each([
    ['a quote that is not closed', 'name\na\n"b\nc\n', 'a quote is opened and never closed'],
    ['a quote in a cell', 'name\na\nb"c"\n', 'a quote stands in the middle of a cell'],
    ['no rows', 'name\n', 'it has no rows'],
    ['nothing', '', 'it is empty'],
  ])('is refused for %s', async (_, text, message) => {
    expect((await problemsOf(text))[0]?.message).toContain(message);
  });

  it('names the line of what is no UTF-8', async () => {
    const latin1 = Buffer.concat([Buffer.from('name\nä\n'), Buffer.from('caf\u00e9\n', 'latin1'), Buffer.from('b\n')]);
    expect(await problemsOf(latin1)).toMatchObject([{ line: 3, message: expect.stringContaining('not UTF-8') }]);
  });

  it.each([
    ['UTF-16 with a byte order mark', Buffer.from('\ufeffname\na\n', 'utf16le'), 'it is UTF-16'],
    ['UTF-16 without', Buffer.from('name\na\n', 'utf16le'), 'NUL'],
    ['binary data', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0a]), 'not UTF-8'],
  ])('is refused for %s', async (_, content, message) => {
    expect((await problemsOf(content))[0]?.message).toContain(message);
  });

  it('is refused for a cell of more than 64 KiB', async () => {
    expect(await problemsOf(`name,attribute.note\na,${'x'.repeat(65_537)}\n`)).toEqual([
      { line: 2, message: 'the cell "attribute.note" is longer than 65536 bytes' },
    ]);
  });

  it.each([
    ['in one line', ''],
    ['in quotes, over many lines', '\n'],
  ])('is refused for a cell of 50 MB %s, when a small part of it was read', async (_, lineEnd) => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('name,dns\n"');
      for (; sent < 50_000_000; sent += 65_536) yield Buffer.from(`${'a'.repeat(65_535)}${lineEnd || 'a'}`);
    }
    expect((await problemsOf(endless()))[0]?.message).toContain('longer than 262144 bytes');
    expect(sent).toBeLessThan(2_000_000);
  });
});

describe('a file of any form', () => {
  it('is read up to its limit and no further', async () => {
    const lengthsOf = async (limit: number) => {
      const lengths: number[] = [];
      for await (const { length } of limited(chunksOf('0123456789', 4), limit)) lengths.push(length);
      return lengths;
    };
    expect(await lengthsOf(10)).toEqual([4, 4, 2]);
    await expect(lengthsOf(9)).rejects.toMatchObject({ problems: [{ message: 'it has more than 9 bytes: split it' }] });
  });
});

describe('a file of JSON Lines', () => {
  it('gives its objects, and the columns that stand for them', async () => {
    const { rows, columns } = await read(
      '{"name":"a","identifiers":{"serial":"1"}}\r\n\n  {"name":"b","dns":["x","y"]}\n',
      'jsonl',
    );
    expect(values(rows)).toEqual([
      { name: 'a', identifiers: { serial: '1' } },
      { name: 'b', dns: ['x', 'y'] },
    ]);
    expect(rows.map(({ problem }) => problem)).toEqual([undefined, undefined]);
    expect(columns).toEqual(['name', 'identifier.serial', 'dns']);
  });

  it('takes an object that does not fit for a row that has failed', async () => {
    const { rows } = await read('{"name":1}\n{"name":"b","colour":"red"}\n{"name":"c"}\n', 'jsonl');
    expect(rows.map(({ problem }) => problem !== undefined)).toEqual([true, true, false]);
  });

  it('may have what a file of failures adds', async () => {
    const { rows } = await read('{"name":"a","error_code":"x","error_reason":"y"}\n', 'jsonl');
    expect(values(rows)).toEqual([{ name: 'a' }]);
  });

  it('is refused with the lines of what is no object', async () => {
    expect(await problemsOf('{"name":"a"}\n{"name":\n[1]\n"x"\n', 'jsonl')).toEqual([
      { line: 2, message: 'it is not JSON; each line is an object of its own' },
      { line: 3, message: 'it is no JSON object' },
      { line: 4, message: 'it is no JSON object' },
    ]);
  });

  it('is refused for a member that is there twice', async () => {
    const twice = '{"name":"a"}\n{"name":"a","group":"g","name":"b"}\n{"attributes":{"x":"1","\\u0078":"2"}}\n';
    const message = 'it has a member twice in one object';
    expect(await problemsOf(twice, 'jsonl')).toEqual([
      { line: 2, message },
      { line: 3, message },
    ]);
  });

  it('is refused for deep nesting', async () => {
    const deep = `{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}\n`;
    expect(await problemsOf(deep, 'jsonl')).toEqual([{ line: 1, message: 'it is nested more than 8 levels deep' }]);
  });
});
