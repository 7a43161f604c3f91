/** A reader of DER (X.690 10, 11) that has nothing in common with ours, and a writer of whatever octets a test wants. */

/** One value with what is inside. */
export interface Asn1 {
  /** The identifier octet. */
  readonly tag: number;
  readonly content: Buffer;
  /** The whole value. */
  readonly der: Buffer;
  /** What a constructed value is made of. */
  readonly parts: readonly Asn1[];
}

/** What is no DER, or no value of the type that is expected. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** Reads one value that takes up all octets. @throws MalformedError */
export function readDer(octets: Uint8Array): Asn1 {
  const value = readValue(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength));
  if (value.der.length !== octets.length) throw new MalformedError('octets after the value');
  return value;
}

/** Takes the parts of a constructed value one after the other. */
export interface Cursor {
  /** The next part if it has one of these tags. */
  take(...tags: readonly number[]): Asn1 | undefined;
  /** The next part. @throws MalformedError if it has none of these tags */
  need(what: string, ...tags: readonly number[]): Asn1;
  /** All parts that are left. */
  rest(): readonly Asn1[];
  /** @throws MalformedError if there is another part */
  end(): void;
}

export function createCursor({ parts }: Asn1): Cursor {
  let at = 0;
  const take = (...tags: readonly number[]) => {
    const part = parts[at];
    if (part === undefined || !tags.includes(part.tag)) return undefined;
    at++;
    return part;
  };
  return {
    take,
    need(what, ...tags) {
      const part = take(...tags);
      if (part === undefined) throw new MalformedError(`no ${what}`);
      return part;
    },
    rest: () => parts.slice(at),
    end() {
      if (at < parts.length) throw new MalformedError('a part too many');
    },
  };
}

export function integerOf({ content }: Asn1): bigint {
  return BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
}

/** In dotted digits. */
export function dottedOf(content: Buffer): string {
  const numbers: bigint[] = [];
  let number = 0n;
  for (const octet of content) {
    number = (number << 7n) | BigInt(octet & 0x7f);
    if (octet >= 0x80) continue;
    numbers.push(number);
    number = 0n;
  }
  const [first = 0n, ...others] = numbers;
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - top * 40n, ...others].join('.');
}

/** The numbers of the bits that are set in a BIT STRING's content. */
export function namedBitsOf(content: Buffer): number[] {
  const bits = [...content.subarray(1)].flatMap((octet) => Array.from({ length: 8 }, (_, i) => (octet >> (7 - i)) & 1));
  return bits.flatMap((bit, i) => (bit === 1 ? [i] : []));
}

/** Writes a value; strings become their UTF-8. */
export function asn1(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const digits = length.toString(16);
  const octets = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  const head = length < 128 ? Buffer.of(tag, length) : Buffer.of(tag, 0x80 | octets.length, ...octets);
  return Buffer.concat([head, content]);
}

/** Writes an OBJECT IDENTIFIER. */
export function asn1Oid(dotted: string): Buffer {
  const [top = 0n, second = 0n, ...others] = dotted.split('.').map(BigInt);
  return asn1(0x06, Buffer.from([top * 40n + second, ...others].flatMap(inBase128)));
}

function inBase128(number: bigint): number[] {
  const octets = [Number(number & 0x7fn)];
  for (let left = number >> 7n; left > 0n; left >>= 7n) octets.unshift(Number(left & 0x7fn) | 0x80);
  return octets;
}

function readValue(octets: Buffer): Asn1 {
  const [tag = 0, first = 0] = octets;
  if (octets.length < 2) throw new MalformedError('a value is cut off');
  if ((tag & 0x1f) === 0x1f) throw new MalformedError('a tag of several octets');
  let start = 2;
  let length = first;
  if (first > 0x7f) {
    start += first & 0x7f;
    const digits = octets.subarray(2, start).toString('hex');
    if (first === 0x80 || start > 7) throw new MalformedError('a length that is indefinite or too large');
    length = Number.parseInt(digits, 16);
    if (digits.startsWith('00') || length < 0x80) throw new MalformedError('a length that is not minimal');
  }
  const der = octets.subarray(0, start + length);
  if (der.length < start + length) throw new MalformedError('a value is cut off');
  const content = der.subarray(start);
  const isConstructed = (tag & 0x20) !== 0;
  const parts = isConstructed ? readParts(content) : [];
  if (tag < 0x40) checkUniversal(tag, content, parts);
  return { tag, content, der, parts };
}

function readParts(content: Buffer): Asn1[] {
  const parts: Asn1[] = [];
  for (let at = 0; at < content.length; ) {
    const part = readValue(content.subarray(at));
    parts.push(part);
    at += part.der.length;
  }
  return parts;
}

function checkUniversal(tag: number, content: Buffer, parts: readonly Asn1[]): void {
  const [first = 0, second = 0] = content;
  switch (tag) {
    case 0x01:
      if (content.length !== 1 || (first !== 0 && first !== 0xff))
        throw new MalformedError('a BOOLEAN not of 00 or FF');
      return;
    case 0x02:
    case 0x0a:
      if (content.length === 0) throw new MalformedError('an empty INTEGER');
      if (content.length > 1 && first === (second < 0x80 ? 0 : 0xff)) {
        throw new MalformedError('an INTEGER that is not minimal');
      }
      return;
    case 0x03:
      checkBitString(content);
      return;
    case 0x05:
      if (content.length > 0) throw new MalformedError('a NULL with content');
      return;
    case 0x06:
      checkObjectIdentifier(content);
      return;
    case 0x31:
      checkOrder(parts);
      return;
    default:
      if ((tag & 0x20) !== 0 && tag !== 0x30) throw new MalformedError('a string in pieces');
  }
}

function checkBitString(content: Buffer): void {
  const [unused = 8] = content;
  const last = content.at(-1) ?? 0;
  if (unused > 7 || (unused > 0 && content.length === 1)) throw new MalformedError('a BIT STRING that is none');
  if (unused > 0 && (last & ((1 << unused) - 1)) !== 0) throw new MalformedError('unused bits that are set');
}

function checkObjectIdentifier(content: Buffer): void {
  const starts = [...content].map((octet, i) => (i === 0 || (content[i - 1] ?? 0) < 0x80 ? octet : undefined));
  const isWhole = content.length > 0 && (content.at(-1) ?? 0x80) < 0x80;
  if (!isWhole || starts.includes(0x80)) throw new MalformedError('an OBJECT IDENTIFIER that is none');
}

/** X.690 11.6 */
function checkOrder(parts: readonly Asn1[]): void {
  parts.forEach(({ der }, i) => {
    const before = parts[i - 1];
    if (before !== undefined && Buffer.compare(before.der, der) > 0) throw new MalformedError('a SET OF out of order');
  });
}
