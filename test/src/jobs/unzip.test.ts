import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { Zip, ZipDeflate, type ZipOptions, zipSync } from 'fflate';
import { InputError } from '../../../src/jobs/input/input-error.js';
import { openZip } from '../../../src/jobs/input/unzip.js';
import { chunksOf } from './job-store.js';

const csv = `name\n${Array.from({ length: 4_000 }, (_, i) => `device-${i * 7919}\n`).join('')}`;

function zip(files: Readonly<Record<string, string>>, options: ZipOptions = {}): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])), options);
}

/** With sizes and checksum after the data, as programs write that do not seek. */
function streamedZip(name: string, text: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  const archive = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
  });
  const file = new ZipDeflate(name);
  archive.add(file);
  file.push(Buffer.from(text), true);
  archive.end();
  return Buffer.concat(chunks);
}

async function unzip(bytes: Uint8Array | AsyncIterable<Uint8Array>, chunkSize = 65_536): Promise<[string, string]> {
  const { name, content } = await openZip(bytes instanceof Uint8Array ? chunksOf(bytes, chunkSize) : bytes);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return [name, Buffer.concat(chunks).toString()];
}

async function refusalOf(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  const error: unknown = await unzip(bytes).then(
    () => undefined,
    (refused) => refused,
  );
  if (error instanceof InputError) return error.message;
  throw error ?? new Error('it was taken');
}

/** With other bytes at an offset from the start, or from the end. */
function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at < 0 ? copy.length + at : at);
  return copy;
}

describe('a ZIP archive', () => {
  it.each([
    ['deflated', zip({ 'a.csv': csv })],
    ['stored', zip({ 'a.csv': csv }, { level: 0 })],
    ['with its sizes after the data', streamedZip('a.csv', csv)],
    ['with a comment', zip({ 'a.csv': csv }, { comment: 'of the file' })],
  ])('gives the one file in it: %s', async (_, bytes) => {
    for (const size of [101, 1000, 65_536]) expect(await unzip(bytes, size)).toEqual(['a.csv', csv]);
  });

  it.each([
    ['several files', zip({ 'a.csv': csv, 'b.csv': csv }), 'more in it than one file'],
    [
      'several files with sizes after them',
      Buffer.concat([streamedZip('a.csv', csv), streamedZip('b.csv', csv)]),
      'damaged',
    ],
    ['a folder', zip({ 'data/': '', 'data/a.csv': csv }), 'more in it than one file'],
    ['an archive', zip({ 'inner.zip': csv }), 'has an archive in it'],
    ['encryption', changed(zip({ 'a.csv': csv }), 6, 1), 'is encrypted'],
    ['ZIP64', changed(zip({ 'a.csv': csv }), 18, 255, 255, 255, 255, 255, 255, 255, 255), 'ZIP64'],
    ['another method', changed(zip({ 'a.csv': csv }), 8, 12), 'by another method than deflate'],
    ['nothing', Buffer.from('504b0506000000000000000000000000000000000000', 'hex'), 'is empty'],
    ['text', Buffer.from('name\na\nb\nc\nand so on until there is enough'), 'it is no ZIP archive'],
    ['a wrong checksum', changed(zip({ 'a.csv': csv }), 14, 1, 2, 3, 4), 'is damaged'],
    ['changed data', changed(zip({ 'a.csv': csv }), 2000, 1, 2, 3, 4), 'is damaged'],
    ['a wrong size', changed(zip({ 'a.csv': csv }), 22, 1), 'is damaged'],
    ['something behind it', Buffer.concat([zip({ 'a.csv': csv }), Buffer.from('x')]), 'is damaged'],
  ])('is refused for %s', async (_, bytes, message) => {
    expect(await refusalOf(bytes)).toContain(message);
  });

  it('is refused wherever it is cut off', async () => {
    const bytes = streamedZip('a.csv', 'name\na\n');
    for (let length = 0; length < bytes.length; length++) {
      expect(await refusalOf(bytes.subarray(0, length))).toContain('ends early');
    }
  });

  it('is refused for a bomb, when little of it was unpacked', async () => {
    const header = Buffer.from('504b03041400080008000000000000000000000000000000000005000000612e637376', 'hex');
    const bomb = deflateRawSync(Buffer.alloc(100_000_000), { level: 6 });
    let unpacked = 0;
    const { content } = await openZip(chunksOf(Buffer.concat([header, bomb]), 4096));
    const reading = async () => {
      for await (const chunk of content) unpacked += chunk.length;
    };
    await expect(reading()).rejects.toThrow('unpacks to more than 200 times its size');
    expect(unpacked).toBeLessThan(20_000_000);
  });
});
