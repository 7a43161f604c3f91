/** JSON objects as strangers send them: in UTF-8, and never deeper than any message has to be. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** @param subject what a sentence calls it @throws SyntaxError with a sentence that is safe for the client */
export function parseJsonObject(octets: Uint8Array, subject: string, maximumDepth = usualDepth): JsonObject {
  const text = decodeUtf8(octets, subject);
  if (isDeeper(text, maximumDepth)) throw new SyntaxError(`${subject} is nested deeper than ${maximumDepth} levels`);
  const value = parse(text, subject);
  if (!isJsonObject(value)) throw new SyntaxError(`${subject} must be a JSON object`);
  if (hasRepeatedMember(text)) throw new SyntaxError(`${subject} has a member twice in one object`);
  return value;
}

/**
 * Whether an object in it has two members of one name: who reads the first, such as a proxy that checks requests, and who reads the
 * last would not see the same (RFC 8259 4).
 * @param text JSON
 */
export function hasRepeatedMember(text: string): boolean {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{') open.push(new Set());
    else if (character === '}') open.pop();
    else if (character === '"') {
      const end = endOfString(text, i);
      if (isBeforeColon(text, end)) {
        const name: string = JSON.parse(text.slice(i, end));
        const names = open.at(-1);
        if (names?.has(name)) return true;
        names?.add(name);
      }
      i = end - 1;
    }
  }
  return false;
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

/** @returns the position after its closing quote */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

function isBeforeColon(text: string, start: number): boolean {
  for (let i = start; i < text.length; i++) {
    const character = text[i];
    if (character !== ' ' && character !== '\t' && character !== '\n' && character !== '\r') return character === ':';
  }
  return false;
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
