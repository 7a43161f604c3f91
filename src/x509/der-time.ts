/** UTCTime and GeneralizedTime as RFC 5280 4.1.2.5 has them: seconds, `Z`, no fraction. */

/** Decodes YYMMDDHHMMSSZ; years 50-99 are 19xx. Undefined when malformed. */
export function decodeUtcTime(content: Uint8Array): Date | undefined {
  if (content.length !== 13) return undefined;
  const year = digits(content, 0, 2);
  return moment(year < 50 ? 2000 + year : 1900 + year, content, 2);
}

/** Decodes YYYYMMDDHHMMSSZ. Undefined when malformed. */
export function decodeGeneralizedTime(content: Uint8Array): Date | undefined {
  return content.length === 15 ? moment(digits(content, 0, 4), content, 4) : undefined;
}

/** Encodes a moment of 1950-2049 as YYMMDDHHMMSSZ; parts of a second are cut off. */
export function encodeUtcTime(at: Date): Uint8Array {
  const out = new Uint8Array(13);
  putDigits(out, 0, 2, at.getUTCFullYear() % 100);
  putMonthToSecond(out, 2, at);
  return out;
}

/** Encodes a moment of the years 0-9999 as YYYYMMDDHHMMSSZ; parts of a second are cut off. */
export function encodeGeneralizedTime(at: Date): Uint8Array {
  const out = new Uint8Array(15);
  putDigits(out, 0, 4, at.getUTCFullYear());
  putMonthToSecond(out, 4, at);
  return out;
}

function moment(year: number, content: Uint8Array, from: number): Date | undefined {
  const month = digits(content, from, 2);
  const day = digits(content, from + 2, 2);
  const hour = digits(content, from + 4, 2);
  const minute = digits(content, from + 6, 2);
  const second = digits(content, from + 8, 2);
  if (content[from + 10] !== 0x5a || !(hour < 24 && minute < 60 && second < 60)) return undefined;
  const at = new Date(0);
  // Not Date.UTC, which takes the years 0-99 for 19xx.
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute, second);
  const isOfCalendar = at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
  return isOfCalendar ? at : undefined;
}

/** The number that `count` decimal digits spell, or NaN. */
function digits(content: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = (content[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function putMonthToSecond(out: Uint8Array, from: number, at: Date): void {
  putDigits(out, from, 2, at.getUTCMonth() + 1);
  putDigits(out, from + 2, 2, at.getUTCDate());
  putDigits(out, from + 4, 2, at.getUTCHours());
  putDigits(out, from + 6, 2, at.getUTCMinutes());
  putDigits(out, from + 8, 2, at.getUTCSeconds());
  out[from + 10] = 0x5a;
}

function putDigits(out: Uint8Array, from: number, count: number, value: number): void {
  let rest = value;
  for (let i = from + count - 1; i >= from; i--) {
    out[i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
