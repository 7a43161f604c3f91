/** Octets as text: checked to be UTF-8 (RFC 3629), in blocks of whole lines. */
import { isUtf8 } from 'node:buffer';
import { refuse } from './input-error.js';

export const longestRow = 262_144;

/** Ends early, with a refusal, when there are more octets than that. */
export async function* limited(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > limit) throw refuse(`it has more than ${limit} bytes: split it`);
    yield chunk;
  }
}

/** Without a byte order mark. @throws InputError that names the line of what is no UTF-8, or too long */
export async function* textBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array = new Uint8Array(0);
  let line = 1;
  let isFirst = true;
  const decode = (lines: Uint8Array): string => {
    checkText(lines, line);
    line += countLines(lines);
    return Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength).toString('utf8');
  };
  for await (const chunk of source) {
    let gathered = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (isFirst) {
      if (gathered.length < byteOrderMark.length) {
        rest = gathered;
        continue;
      }
      isFirst = false;
      gathered = withoutByteOrderMark(gathered);
    }
    // A line feed is never a part of another character: what ends with one can be decoded by itself.
    const end = gathered.lastIndexOf(lineFeed) + 1;
    if (end > 0) yield decode(gathered.subarray(0, end));
    rest = gathered.subarray(end);
    if (rest.length > longestRow) throw refuse(tooLong, line);
  }
  if (isFirst) rest = withoutByteOrderMark(rest);
  if (rest.length > 0) yield decode(rest);
}

export const tooLong = `it is longer than ${longestRow} bytes, which no row is: look for a quote that is not closed`;

const lineFeed = 0x0a;
const byteOrderMark = Uint8Array.of(0xef, 0xbb, 0xbf);

function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw refuse('it is UTF-16; save it as UTF-8');
  }
  return byteOrderMark.every((byte, index) => bytes[index] === byte) ? bytes.subarray(byteOrderMark.length) : bytes;
}

function checkText(lines: Uint8Array, first: number): void {
  if (!isUtf8(lines)) {
    const line = lineOf(lines, first, (each) => !isUtf8(each));
    throw refuse('it is not UTF-8, perhaps as it comes from a file of another encoding; save all as UTF-8', line);
  }
  if (lines.includes(0)) {
    const line = lineOf(lines, first, (each) => each.includes(0));
    throw refuse('it has a NUL character; save the file as UTF-8 text', line);
  }
}

function lineOf(lines: Uint8Array, first: number, isWrong: (line: Uint8Array) => boolean): number {
  let line = first;
  for (let start = 0; start < lines.length; line++) {
    const found = lines.indexOf(lineFeed, start);
    const end = found < 0 ? lines.length : found + 1;
    if (isWrong(lines.subarray(start, end))) break;
    start = end;
  }
  return line;
}

function countLines(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(lineFeed); at >= 0; at = lines.indexOf(lineFeed, at + 1)) count++;
  return count;
}
