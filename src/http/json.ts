/** JSON objects as strangers send them: in UTF-8, and never deeper than any message has to be. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** @param subject what a sentence calls it @throws SyntaxError with a sentence that is safe for the client */
export function parseJsonObject(octets: Uint8Array, subject: string, maximumDepth = usualDepth): JsonObject {
  const text = decodeUtf8(octets, subject);
  if (isDeeper(text, maximumDepth)) throw new SyntaxError(`${subject} is nested deeper than ${maximumDepth} levels`);
  const value = parse(text, subject);
  if (!isJsonObject(value)) throw new SyntaxError(`${subject} must be a JSON object`);
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** ACME and REST need three; what is not understood may have to be ignored (RFC 8555 6.1, RFC 7515 7.2.1), but not at any price. */
const usualDepth = 10;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(octets: Uint8Array, subject: string): string {
  try {
    return utf8.decode(octets);
  } catch (cause) {
    throw new SyntaxError(`${subject} is not UTF-8`, { cause });
  }
}

function parse(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`${subject} is no JSON`, { cause });
  }
}

/** Looks before anything is built. Text that is no JSON may be counted wrongly: it is refused next. */
function isDeeper(text: string, maximumDepth: number): boolean {
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
