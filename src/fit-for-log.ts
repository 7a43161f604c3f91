/** Text that others have written, fit to be kept and shown. */

const longest = 200;

/** Without what hides or reorders text, and no longer than people read. */
export function fitForLog(text: string): string {
  return text.slice(0, longest).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
}
