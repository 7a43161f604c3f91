/** JSON objects as strangers send them: in UTF-8, and never deeper than ACME needs. */
import { AcmeError } from './problem.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** @param subject what a sentence calls it @throws AcmeError `malformed` */
export function parseJsonObject(octets: Uint8Array, subject: string): JsonObject {
  const text = decodeUtf8(octets, subject);
  if (isDeeper(text)) throw new AcmeError('malformed', `${subject} is nested deeper than ${maximumDepth} levels`);
  const value = parse(text, subject);
  if (!isJsonObject(value)) throw new AcmeError('malformed', `${subject} must be a JSON object`);
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A newOrder needs three; what is not understood must be ignored (RFC 8555 6.1, RFC 7515 7.2.1), but not at any price. */
const maximumDepth = 10;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(octets: Uint8Array, subject: string): string {
  try {
    return utf8.decode(octets);
  } catch (cause) {
    throw new AcmeError('malformed', `${subject} is not UTF-8`, { cause });
  }
}

function parse(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AcmeError('malformed', `${subject} is no JSON`, { cause });
  }
}

/** Looks before anything is built. Text that is no JSON may be counted wrongly: it is refused next. */
function isDeeper(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (isInString) {
      if (character === '\\') i++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '{' || character === '[') {
      if (++depth > maximumDepth) return true;
    } else if (character === '}' || character === ']') depth--;
  }
  return false;
}
