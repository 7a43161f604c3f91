/** The character string types of ASN.1 (X.690 8.23): bytes to text. Alphabets below ASCII are for the policy to judge. */

import { DerError, type DerReader, Tag } from './der.js';

/** Whether this tag is one of the string types that decodeCharacters reads. */
export function isStringTag(tag: number): boolean {
  return stringTags.has(tag);
}

/** Reads the next value as text. @throws DerError when it is no string or malformed; NUL is kept */
export function readString(reader: DerReader): { readonly tag: number; readonly value: string } {
  const { offset, tag } = reader;
  if (tag === undefined || !stringTags.has(tag)) throw new DerError('character string expected', offset);
  const value = decodeCharacters(tag, reader.content(tag));
  if (value === undefined) throw new DerError('malformed character string', offset);
  return { tag, value };
}

/** Decodes the content octets of a string type; undefined when malformed. */
export function decodeCharacters(tag: number, content: Uint8Array): string | undefined {
  if (tag === Tag.bmpString) return decodeBmp(content);
  if (tag === Tag.universalString) return decodeUniversal(content);
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  // What TeletexString means in certificates is Latin-1 (T.61 proper was hardly ever written).
  if (tag === Tag.teletexString || !beyondAscii.test(text)) return text;
  return tag === Tag.utf8String ? decodeUtf8(content) : undefined;
}

const stringTags: ReadonlySet<number> = new Set([
  Tag.utf8String,
  Tag.printableString,
  Tag.teletexString,
  Tag.ia5String,
  Tag.bmpString,
  Tag.universalString,
  Tag.visibleString,
  Tag.numericString,
]);
const beyondAscii = /[\x80-\xff]/;
const loneSurrogate = /\p{Surrogate}/u;
// A byte order mark is kept as the character it is: two names that differ in it are two names.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(content: Uint8Array): string | undefined {
  try {
    return utf8.decode(content);
  } catch {
    return undefined;
  }
}

/** UCS-2 by X.680; surrogate pairs are accepted, since Windows writes them. */
function decodeBmp(content: Uint8Array): string | undefined {
  if (content.length % 2 === 1) return undefined;
  let text = '';
  for (let i = 0; i < content.length; i += 2) {
    text += String.fromCharCode(((content[i] ?? 0) << 8) | (content[i + 1] ?? 0));
  }
  return loneSurrogate.test(text) ? undefined : text;
}

function decodeUniversal(content: Uint8Array): string | undefined {
  if (content.length % 4 > 0) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  let text = '';
  for (let i = 0; i < content.length; i += 4) {
    const codePoint = view.getUint32(i);
    if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint < 0xe000)) return undefined;
    text += String.fromCodePoint(codePoint);
  }
  return text;
}
