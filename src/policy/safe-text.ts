/** Text that requesters chose, made fit for messages, logs and names. */

/** Whether text has characters that hide or reorder what people read: controls, bidi marks, line separators, surrogates. */
export function hasUnsafeCharacters(text: string): boolean {
  return unsafe.test(text);
}

/** Quotes text for a message: unsafe characters become `?`, and it is cut at 64 characters. */
export function quote(text: string): string {
  const cut = text.length > maximumQuoted ? `${text.slice(0, maximumQuoted - 1)}…` : text;
  return `"${cut.replace(everyUnsafe, '?')}"`;
}

const maximumQuoted = 64;
const unsafe = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;
const everyUnsafe = new RegExp(`${unsafe.source}|"`, 'gu');
