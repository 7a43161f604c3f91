/** Names as people write them in configuration: RFC 4514 text. */

import { attributeByName } from './attribute-types.js';
import { readString } from './character-strings.js';
import { DerReader } from './der.js';
import { encodeOidContent } from './der-oid.js';
import { type DistinguishedName, decodeName, encodeName, type NamedValue } from './names.js';

/**
 * Parses RFC 4514 text (`CN=device 1,O=Example`), the last RDN first; blanks around `,`, `+` and `=` are skipped.
 * @throws SyntaxError with the place in words; RangeError when a value does not fit its attribute's string type
 */
export function parseName(text: string): DistinguishedName {
  if (text.trim() === '') return [];
  const name = splitUnescaped(text, ',').map((rdn) => splitUnescaped(rdn, '+').map(parseAttribute));
  return decodeName(encodeName(name.reverse()));
}

function parseAttribute(text: string): NamedValue {
  const equals = text.indexOf('=');
  if (equals < 0) throw new SyntaxError(`no '=' in '${text.trim()}'`);
  const type = parseType(text.slice(0, equals).trim());
  const raw = trimUnescaped(text.slice(equals + 1));
  return { type, value: raw.startsWith('#') ? parseHexValue(raw) : unescapeValue(raw) };
}

function parseType(text: string): string {
  const known = attributeByName(text);
  if (known !== undefined) return known.oid;
  if (encodeOidContent(text) === undefined) throw new SyntaxError(`unknown attribute type '${text}'`);
  return text;
}

/** `#` and the hex of a DER character string. */
function parseHexValue(text: string): string {
  if (!/^#([0-9A-Fa-f]{2})+$/.test(text)) throw new SyntaxError(`no hex value: '${text}'`);
  try {
    return DerReader.decode(Buffer.from(text.slice(1), 'hex'), readString).value;
  } catch (cause) {
    throw new SyntaxError(`no character string in '${text}'`, { cause });
  }
}

/** Resolves `\,` and `\2C`; hex pairs are UTF-8 octets. */
function unescapeValue(text: string): string {
  if (/(?<!\\)(\\\\)*["+,;<>]/.test(text)) throw new SyntaxError(`unescaped character in '${text}'`);
  if (!text.includes('\\')) return text;
  const octets: Uint8Array[] = [];
  for (const [piece] of text.matchAll(/\\[0-9A-Fa-f]{2}|\\.|[^\\]+|\\/gsu)) octets.push(unescapePiece(piece));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(octets));
  } catch (cause) {
    throw new SyntaxError(`no UTF-8 in '${text}'`, { cause });
  }
}

function unescapePiece(piece: string): Uint8Array {
  if (!piece.startsWith('\\')) return Buffer.from(piece);
  if (piece.length === 3) return Buffer.from(piece.slice(1), 'hex');
  if (!/^\\[ "#+,;<=>\\]$/.test(piece)) throw new SyntaxError(`unknown escape '${piece}'`);
  return Buffer.from(piece.slice(1));
}

function splitUnescaped(text: string, separator: ',' | '+'): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === separator) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

/** Cuts blanks off both ends, but not one that a backslash keeps; Unicode's other spaces are part of a value. */
function trimUnescaped(text: string): string {
  const start = text.replace(/^[ \t\r\n]+/, '');
  const end = start.replace(/[ \t\r\n]+$/, '');
  const backslashes = /\\*$/.exec(end)?.[0].length ?? 0;
  return end.length < start.length && backslashes % 2 === 1 ? `${end} ` : end;
}
