/** Writes ZIP files (PKWARE APPNOTE 6.3) as they come, of any size: ZIP64 where counts or offsets need it. */
import { constants, crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

export interface ZipEntry {
  /** A path of ASCII characters, with `/` between folders. */
  readonly name: string;
  /** Whole, and stored as it is; or in pieces of unknown length, at most 4 GiB, which are compressed. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** For its owner's eyes only: what unpacks it gives it the mode 600. */
  readonly isPrivate?: boolean;
}

/** @param modified what all entries have as their time, in UTC */
export async function* writeZip(
  entries: AsyncIterable<ZipEntry>,
  modified: Date,
): AsyncGenerator<Uint8Array, void, undefined> {
  const directory = createDirectory();
  const time = dosTime(modified);
  let offset = 0;
  for await (const { name, content, isPrivate = false } of entries) {
    const nameOctets = Buffer.from(name, 'latin1');
    const outline = { name: nameOctets, time, offset, isPrivate };
    const written = content instanceof Uint8Array ? stored(outline, content) : deflated(outline, content);
    for (let next = await written.next(); ; next = await written.next()) {
      if (next.done) {
        directory.add(centralHeader(next.value));
        break;
      }
      offset += next.value.length;
      yield next.value;
    }
  }
  const directoryOffset = offset;
  for (const block of directory.blocks()) {
    offset += block.length;
    yield block;
  }
  yield endOfDirectory({ count: directory.count(), offset: directoryOffset, size: offset - directoryOffset });
}

interface Outline {
  readonly name: Uint8Array;
  /** As DOS has it: the date in the upper half. */
  readonly time: number;
  /** Of its local header. */
  readonly offset: number;
  readonly isPrivate: boolean;
}

/** What is known of an entry once it is written. */
export interface WrittenEntry extends Outline {
  readonly isDeflated: boolean;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
}

type Writing = AsyncGenerator<Uint8Array, WrittenEntry, undefined>;

async function* stored(outline: Outline, content: Uint8Array): Writing {
  const { length } = content;
  const entry = { ...outline, isDeflated: false, crc: crc32(content), packedSize: length, size: length };
  yield Buffer.concat([localHeader(entry), content]);
  return entry;
}

/** Its sizes follow in a data descriptor (4.3.9). */
async function* deflated(outline: Outline, content: AsyncIterable<Uint8Array>): Writing {
  yield localHeader({ ...outline, isDeflated: true, crc: 0, packedSize: 0, size: 0 });
  let crc = 0;
  let size = 0;
  let packedSize = 0;
  for await (const piece of content) {
    if (piece.length === 0) continue;
    // Each piece ends at a whole octet, and its last block is not the final one: together they are one DEFLATE stream.
    const packed = deflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH });
    crc = crc32(piece, crc);
    size += piece.length;
    packedSize += packed.length;
    yield packed;
  }
  packedSize += finalBlock.length;
  if (size >= maximum32 || packedSize >= maximum32) throw new RangeError('an entry of a ZIP file is too long');
  yield finalBlock;
  yield octets([4, 0x08074b50], [4, crc], [4, packedSize], [4, size]);
  return { ...outline, isDeflated: true, crc, packedSize, size };
}

/** An empty DEFLATE block that is the last one. */
const finalBlock = Uint8Array.of(3, 0);

function localHeader(entry: WrittenEntry): Uint8Array {
  return Buffer.concat([octets([4, 0x04034b50], [2, version], ...shared(entry), [2, 0]), entry.name]);
}

/** The entry in the central directory (4.3.12); an offset beyond 32 bits is in the ZIP64 field (4.5.3). */
export function centralHeader(entry: WrittenEntry): Uint8Array {
  const { name, offset, isPrivate } = entry;
  const isFar = offset >= maximum32;
  const mode = isPrivate ? 0o100600 : 0o100644;
  return Buffer.concat([
    octets(
      [4, 0x02014b50],
      [2, madeByUnix | version],
      [2, version],
      ...shared(entry),
      [2, isFar ? 12 : 0],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, mode * 0x10000],
      [4, isFar ? maximum32 : offset],
    ),
    name,
    isFar ? octets([2, 1], [2, 8], [8, offset]) : new Uint8Array(0),
  ]);
}

type Field = readonly [size: 2 | 4 | 8, value: number];

function shared({ name, time, isDeflated, crc, packedSize, size }: WrittenEntry): Field[] {
  // Bit 3: a data descriptor follows.
  const [flags, method] = isDeflated ? [8, 8] : [0, 0];
  return [
    [2, flags],
    [2, method],
    [4, time],
    [4, crc],
    [4, packedSize],
    [4, size],
    [2, name.length],
  ];
}

/** 4.3.14 to 4.3.16. */
export function endOfDirectory({ count, offset, size }: Record<'count' | 'offset' | 'size', number>): Uint8Array {
  const isLarge = count >= maximum16 || offset >= maximum32 || size >= maximum32;
  const count16 = isLarge ? maximum16 : count;
  const end = octets(
    [4, 0x06054b50],
    [4, 0],
    [2, count16],
    [2, count16],
    [4, isLarge ? maximum32 : size],
    [4, isLarge ? maximum32 : offset],
    [2, 0],
  );
  if (!isLarge) return end;
  const large = octets(
    [4, 0x06064b50],
    [8, 44],
    [2, madeByUnix | version],
    [2, version],
    [8, 0],
    [8, count],
    [8, count],
    [8, size],
    [8, offset],
  );
  const locator = octets([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]);
  return Buffer.concat([large, locator, end]);
}

/** The central directory grows with the entries: it waits compressed, at some 20 octets for each of a long list. */
function createDirectory() {
  const packed: Uint8Array[] = [];
  let waiting: Uint8Array[] = [];
  let waitingSize = 0;
  let count = 0;
  return {
    add(header: Uint8Array) {
      count++;
      waiting.push(header);
      waitingSize += header.length;
      if (waitingSize < directoryBlock) return;
      packed.push(deflateRawSync(Buffer.concat(waiting)));
      waiting = [];
      waitingSize = 0;
    },
    count: () => count,
    *blocks(): Generator<Uint8Array, void, undefined> {
      for (const block of packed) yield inflateRawSync(block);
      yield Buffer.concat(waiting);
    },
  };
}

const directoryBlock = 64 * 1024;
const maximum16 = 0xffff;
const maximum32 = 0xffff_ffff;
/** 4.5: what ZIP64 needs. */
const version = 45;
const madeByUnix = 0x0300;

function octets(...fields: readonly Field[]): Uint8Array {
  const out = Buffer.alloc(fields.reduce((length, [size]) => length + size, 0));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 8) out.writeBigUInt64LE(BigInt(value), at);
    else out.writeUIntLE(value, at, size);
    at += size;
  }
  return out;
}

function dosTime(at: Date): number {
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return date * 0x10000 + time;
}
