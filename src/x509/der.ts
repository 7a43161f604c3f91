/** Strict DER (X.690 8 and 10): a reader that cannot leave bytes unread. der-writer.ts writes. */

import { decodeOidContent } from './der-oid.js';
import { decodeGeneralizedTime, decodeUtcTime } from './der-time.js';

/** Identifier octets of the universal types in use, and of context-specific tags 0-30. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
  /** Constructed: EXPLICIT, or IMPLICIT over a constructed type. */
  context: (number: number): number => 0xa0 | number,
  /** Primitive: IMPLICIT over a primitive type. */
  contextPrimitive: (number: number): number => 0x80 | number,
} as const;

/** Bytes that are no DER, or not the structure that was expected; `offset` is where, in the bytes given to `decode`. */
export class DerError extends Error {
  readonly offset: number;

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`);
    this.name = 'DerError';
    this.offset = offset;
  }
}

/**
 * Reads DER from left to right. Every byte must be used, or reading fails with a DerError.
 * What it returns are views of the input, not copies. Methods with a `tag` parameter read an IMPLICIT type with it.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #depth: number;
  #at: number;
  #contentAt: number;

  private constructor(bytes: Uint8Array, at: number, end: number, depth: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#contentAt = at;
    this.#end = end;
    this.#depth = depth;
  }

  /** Reads the whole of `bytes`: what `read` leaves over is an error. */
  static decode<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
    // A plain view: a Buffer's `slice` would not copy, which callers of a Uint8Array rely on.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    const reader = new DerReader(view, 0, view.length, 0);
    const value = read(reader);
    reader.#finish();
    return value;
  }

  /** Whether another value follows. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** The tag of the next value, undefined at the end: what OPTIONAL and CHOICE look at. */
  get tag(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }

  /** Where the next value begins, for errors of the caller's own. */
  get offset(): number {
    return this.#at;
  }

  /** The next value whole, tag and length included: what is signed, hashed or copied. Its inside is not checked. */
  element(tag?: number): Uint8Array {
    const from = this.#at;
    this.#at = this.#header(tag);
    return this.#bytes.subarray(from, this.#at);
  }

  /** The content octets of the next value, which must have this tag. */
  content(tag: number): Uint8Array {
    this.#at = this.#header(tag);
    return this.#bytes.subarray(this.#contentAt, this.#at);
  }

  /** Reads inside the next value, which must have this tag. */
  inside<T>(tag: number, read: (reader: DerReader) => T): T {
    const end = this.#header(tag);
    if (this.#depth === maximumDepth) throw new DerError('nested too deeply', this.#at);
    const inner = new DerReader(this.#bytes, this.#contentAt, end, this.#depth + 1);
    this.#at = end;
    const value = read(inner);
    inner.#finish();
    return value;
  }

  sequence<T>(read: (reader: DerReader) => T): T {
    return this.inside(Tag.sequence, read);
  }

  /** Reads every value inside the next one (SEQUENCE OF, SET OF); at most `maximum` of them. */
  each<T>(tag: number, read: (reader: DerReader) => T, maximum = Number.POSITIVE_INFINITY): T[] {
    return this.inside(tag, (reader) => {
      const values: T[] = [];
      while (reader.more) {
        if (values.length === maximum) throw new DerError(`more than ${maximum} values`, reader.#at);
        values.push(read(reader));
      }
      return values;
    });
  }

  /** Calls `read` when the next value has this tag. */
  optional<T>(tag: number, read: (reader: DerReader) => T): T | undefined {
    return this.tag === tag ? read(this) : undefined;
  }

  /** Dotted text. */
  oid(tag: number = Tag.oid): string {
    const at = this.#at;
    const content = this.content(tag);
    if (content.length > 64) throw new DerError('OBJECT IDENTIFIER too long', at);
    const key = String.fromCharCode(...content);
    const known = knownOids.get(key);
    if (known !== undefined) return known;
    const text = decodeOidContent(content);
    if (text === undefined) throw new DerError('malformed OBJECT IDENTIFIER', at);
    if (knownOids.size < maximumKnownOids) knownOids.set(key, text);
    return text;
  }

  /** Big-endian two's complement, checked to be minimal. */
  integer(tag: number = Tag.integer): Uint8Array {
    const at = this.#at;
    const content = this.content(tag);
    const first = content[0];
    const second = content[1];
    if (first === undefined) throw new DerError('empty INTEGER', at);
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new DerError('INTEGER not minimal', at);
    }
    return content;
  }

  /** The magnitude of an INTEGER that must not be negative, without leading zero octets (0 is one octet). */
  unsignedInteger(tag: number = Tag.integer): Uint8Array {
    const at = this.#at;
    const content = this.integer(tag);
    if ((content[0] ?? 0) >= 0x80) throw new DerError('INTEGER negative', at);
    return content.length > 1 && content[0] === 0 ? content.subarray(1) : content;
  }

  /** An INTEGER (or, by its tag, an ENUMERATED) of 0 to 2^47-1. */
  smallInteger(tag: number = Tag.integer): number {
    const at = this.#at;
    const content = this.integer(tag);
    if (content.length > 6 || (content[0] ?? 0) >= 0x80) throw new DerError('INTEGER out of range', at);
    let value = 0;
    for (const octet of content) value = value * 256 + octet;
    return value;
  }

  boolean(tag: number = Tag.boolean): boolean {
    const at = this.#at;
    const content = this.content(tag);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new DerError('malformed BOOLEAN', at);
    return content[0] === 0xff;
  }

  null(tag: number = Tag.null): void {
    const at = this.#at;
    if (this.content(tag).length > 0) throw new DerError('malformed NULL', at);
  }

  octetString(tag: number = Tag.octetString): Uint8Array {
    return this.content(tag);
  }

  /** A BIT STRING of whole octets: keys and signatures. */
  bitString(tag: number = Tag.bitString): Uint8Array {
    const at = this.#at;
    const content = this.content(tag);
    if (content[0] !== 0) throw new DerError('BIT STRING of whole octets expected', at);
    return content.subarray(1);
  }

  /**
   * The numbers of the bits that are set in a named bit list (KeyUsage, ReasonFlags, PKIFailureInfo).
   * Trailing zero bits, which DER leaves out (X.690 11.2.2), are accepted: old clients send them and they say nothing.
   */
  namedBits(tag: number = Tag.bitString): Set<number> {
    const at = this.#at;
    const content = this.content(tag);
    const unused = content[0] ?? 8;
    const last = content[content.length - 1] ?? 0;
    const isEmpty = content.length === 1;
    if (
      unused > 7 ||
      content.length > 17 ||
      (isEmpty && unused > 0) ||
      (!isEmpty && (last & ((1 << unused) - 1)) > 0)
    ) {
      throw new DerError('malformed BIT STRING', at);
    }
    const bits = new Set<number>();
    for (let bit = 0; bit < (content.length - 1) * 8; bit++) {
      if (((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) > 0) bits.add(bit);
    }
    return bits;
  }

  /** A Time of RFC 5280 4.1.2.5: UTCTime or GeneralizedTime. */
  time(): Date {
    if (this.tag === Tag.generalizedTime) return this.generalizedTime();
    const at = this.#at;
    return decodeUtcTime(this.content(Tag.utcTime)) ?? fail('malformed UTCTime', at);
  }

  generalizedTime(tag: number = Tag.generalizedTime): Date {
    const at = this.#at;
    return decodeGeneralizedTime(this.content(tag)) ?? fail('malformed GeneralizedTime', at);
  }

  #finish(): void {
    if (this.#at !== this.#end) throw new DerError('trailing bytes', this.#at);
  }

  /** Checks the header of the next value, sets where its content begins, and returns where it ends. */
  #header(expected: number | undefined): number {
    const bytes = this.#bytes;
    const at = this.#at;
    const end = this.#end;
    const tag = bytes[at];
    if (tag === undefined || at + 2 > end) throw new DerError('truncated', at);
    if (expected !== undefined && tag !== expected) throw new DerError(`tag ${expected} expected, ${tag} found`, at);
    if ((tag & 0x1f) === 0x1f || tag === 0) throw new DerError('unknown form of tag', at);
    let length = bytes[at + 1] ?? 0;
    let start = at + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 4) throw new DerError('indefinite or oversized length', at);
      if (start + octets > end) throw new DerError('truncated', at);
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] ?? 0);
      start += octets;
      if (length < 0x80 || length < 2 ** (8 * (octets - 1))) throw new DerError('length not minimal', at);
    }
    if (length > end - start) throw new DerError('value runs past its container', at);
    this.#contentAt = start;
    return start + length;
  }
}

function fail(problem: string, at: number): never {
  throw new DerError(problem, at);
}

// CMP in CMS in CMC is some 20 levels deep.
const maximumDepth = 32;
const knownOids = new Map<string, string>();
const maximumKnownOids = 2048;
