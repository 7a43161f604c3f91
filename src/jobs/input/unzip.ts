/** The one file in a ZIP archive (APPNOTE 6.3.10), unpacked as it comes; nothing is read ahead, and nothing grows. */
import { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { refuse } from './input-error.js';

export interface ZippedFile {
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array>;
}

/** @throws InputError, also while the content is read: for what is no archive of exactly one file in plain deflate */
export async function openZip(source: AsyncIterable<Uint8Array>): Promise<ZippedFile> {
  const input = createByteReader(source);
  const header = await readHeader(input);
  return { name: header.name, content: unpack(header, input) };
}

interface EntryHeader {
  readonly name: string;
  readonly isStored: boolean;
  /** Whether sizes and checksum come after the data. */
  readonly isStreamed: boolean;
  readonly checksum: number;
  readonly packedSize: number;
  readonly size: number;
}

const localHeader = 0x04034b50;
const dataDescriptor = 0x08074b50;
const centralHeader = 0x02014b50;
const endOfDirectory = 0x06054b50;
const largest32 = 0xffff_ffff;

async function readHeader(input: ByteReader): Promise<EntryHeader> {
  const signature = Buffer.from(await input.exactly(4)).readUInt32LE(0);
  if (signature === endOfDirectory) throw refuse('the ZIP archive is empty');
  if (signature !== localHeader) throw refuse('it is no ZIP archive');
  const fixed = Buffer.from(await input.exactly(26));
  const flags = fixed.readUInt16LE(2);
  const method = fixed.readUInt16LE(4);
  const [checksum, packedSize, size] = [fixed.readUInt32LE(10), fixed.readUInt32LE(14), fixed.readUInt32LE(18)];
  const name = Buffer.from(await input.exactly(fixed.readUInt16LE(22))).toString('utf8');
  await input.exactly(fixed.readUInt16LE(24));
  if ((flags & 0x2041) !== 0) throw refuse('the ZIP archive is encrypted; pack the file without a password');
  if (packedSize === largest32 || size === largest32) {
    throw refuse('the ZIP archive is of the format ZIP64, for files of more than 4 GB; pack it without');
  }
  if (name.endsWith('/')) throw refuse(oneFileOnly);
  if (/\.(zip|gz|tgz|bz2|xz|zst|7z|rar|tar)$/i.test(name)) {
    throw refuse('the ZIP archive has an archive in it; pack the CSV file itself');
  }
  const isStreamed = (flags & 8) !== 0;
  const isStored = method === 0;
  if (!isStored && method !== 8) throw refuse('the ZIP archive is packed by another method than deflate');
  if (isStored && isStreamed) throw refuse('the ZIP archive does not tell how long its file is; pack it with deflate');
  return { name, isStored, isStreamed, checksum, packedSize, size };
}

const oneFileOnly = 'the ZIP archive has more in it than one file; pack the file alone, without folders (zip -j)';
const damaged = 'the ZIP archive is damaged';
const truncated = 'the ZIP archive ends early; send it again';

/** Rows are text, and pack by ten or twenty; only what was made for it packs by more than this. */
const greatestRatio = 200;
const ratioMattersFrom = 1_048_576;

async function* unpack(header: EntryHeader, input: ByteReader): AsyncGenerator<Uint8Array> {
  const before = input.consumed();
  let size = 0;
  let checksum = 0;
  for await (const chunk of header.isStored ? input.upTo(header.packedSize) : inflate(input)) {
    size += chunk.length;
    checksum = crc32(chunk, checksum);
    if (size > ratioMattersFrom && size > greatestRatio * (input.consumed() - before)) {
      throw refuse(`the ZIP archive unpacks to more than ${greatestRatio} times its size, as no table does`);
    }
    yield chunk;
  }
  const packedSize = input.consumed() - before;
  const told = header.isStreamed ? await readDescriptor(input) : header;
  if (told.checksum !== checksum || told.size !== size || told.packedSize !== packedSize) throw refuse(damaged);
  await readEnd(input);
}

async function* inflate(input: ByteReader): AsyncGenerator<Uint8Array> {
  const unpacked = createInflateRaw();
  const packed = Readable.from(input.chunks(), { highWaterMark: 1 });
  packed.once('error', (error) => unpacked.destroy(error));
  packed.pipe(unpacked);
  const before = input.consumed();
  const told: { error?: unknown } = {};
  try {
    for await (const chunk of unpacked) {
      input.consumedIs(before + unpacked.bytesWritten);
      yield chunk;
    }
    input.consumedIs(before + unpacked.bytesWritten);
  } catch (error) {
    told.error = error;
  } finally {
    packed.unpipe(unpacked);
  }
  if (told.error !== undefined) throw zlibError(told.error);
}

function zlibError(error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'Z_BUF_ERROR') return refuse(truncated);
  return typeof code === 'string' && code.startsWith('Z_') ? refuse(damaged) : error;
}

async function readDescriptor(input: ByteReader): Promise<Pick<EntryHeader, 'checksum' | 'size' | 'packedSize'>> {
  const first = Buffer.from(await input.exactly(4)).readUInt32LE(0);
  // Its signature may be there or not (APPNOTE 4.3.9.3).
  const hasSignature = first === dataDescriptor;
  const rest = Buffer.from(await input.exactly(hasSignature ? 12 : 8));
  const at = hasSignature ? 4 : 0;
  return {
    checksum: hasSignature ? rest.readUInt32LE(0) : first,
    packedSize: rest.readUInt32LE(at),
    size: rest.readUInt32LE(at + 4),
  };
}

/** The directory with its one entry, and the end. */
async function readEnd(input: ByteReader): Promise<void> {
  const signature = Buffer.from(await input.exactly(4)).readUInt32LE(0);
  if (signature === localHeader) throw refuse(oneFileOnly);
  if (signature !== centralHeader) throw refuse(damaged);
  const entry = Buffer.from(await input.exactly(42));
  await input.exactly(entry.readUInt16LE(24) + entry.readUInt16LE(26) + entry.readUInt16LE(28));
  const next = Buffer.from(await input.exactly(4)).readUInt32LE(0);
  if (next === centralHeader) throw refuse(oneFileOnly);
  if (next !== endOfDirectory) throw refuse(damaged);
  const end = Buffer.from(await input.exactly(18));
  await input.exactly(end.readUInt16LE(16));
  if (!(await input.isAtEnd())) throw refuse(damaged);
}

interface ByteReader {
  /** @throws InputError where it ends before */
  exactly(length: number): Promise<Uint8Array>;
  upTo(length: number): AsyncGenerator<Uint8Array>;
  /** All chunks from here, kept until `consumedIs` tells that they are done with. */
  chunks(): AsyncGenerator<Uint8Array>;
  consumed(): number;
  consumedIs(offset: number): void;
  isAtEnd(): Promise<boolean>;
}

function createByteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  /** Chunks from `offset` on; the first of them is consumed in part. */
  let kept: Uint8Array[] = [];
  let offset = 0;
  let position = 0;

  const available = () => offset + kept.reduce((sum, { length }) => sum + length, 0) - position;

  async function more(): Promise<Uint8Array | undefined> {
    const { done, value } = await iterator.next();
    if (done) return undefined;
    kept.push(value);
    return value;
  }

  function consumedIs(at: number): void {
    position = at;
    for (let first = kept[0]; first !== undefined && offset + first.length <= position; first = kept[0]) {
      offset += first.length;
      kept = kept.slice(1);
    }
  }

  function unread(): Uint8Array[] {
    const [first, ...others] = kept;
    return first === undefined ? [] : [first.subarray(position - offset), ...others];
  }

  return {
    async exactly(length) {
      while (available() < length) {
        if ((await more()) === undefined) throw refuse(truncated);
      }
      const bytes = Buffer.concat(unread()).subarray(0, length);
      consumedIs(position + length);
      return bytes;
    },
    async *upTo(length) {
      for (let left = length; left > 0; ) {
        if (available() === 0 && (await more()) === undefined) throw refuse(truncated);
        const [chunk = new Uint8Array(0)] = unread();
        const part = chunk.subarray(0, left);
        left -= part.length;
        consumedIs(position + part.length);
        yield part;
      }
    },
    async *chunks() {
      yield* unread();
      for (let chunk = await more(); chunk !== undefined; chunk = await more()) yield chunk;
    },
    consumed: () => position,
    consumedIs,
    isAtEnd: async () => available() === 0 && (await more()) === undefined,
  };
}
