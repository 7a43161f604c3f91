/** The patterns of profiles: regular expressions that match a whole value and cannot be made to run for long. */

/** Compiles a pattern. @throws PatternError with a sentence for the operator */
export function compilePattern(source: string): RegExp {
  checkRepeats(source);
  try {
    return new RegExp(`^(?:${source})$`, 'u');
  } catch (cause) {
    throw new PatternError('is no regular expression', { cause });
  }
}

/** Whether the whole value matches. Longer values than the cost of patterns is reckoned with never do. */
export function matchesPattern(pattern: RegExp, value: string): boolean {
  return value.length <= maximumMatchedLength && pattern.test(value);
}

export class PatternError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PatternError';
  }
}

export const maximumMatchedLength = 256;
// Three unbounded repeats over the longest value: some ten milliseconds at the very worst.
const maximumWays = maximumMatchedLength ** 3;

interface Group {
  /** Whether it can match different lengths of text, or the same text in several ways. */
  varies: boolean;
}

/**
 * Refuses what can make backtracking slow: back references, repeated groups that themselves contain a repeat or
 * alternatives (`(a+)+`, `(a|aa)*`), and too many repeats in a row. Without nesting, the number of ways to try is at
 * most the product of the repeats' ranges and of the alternatives. Harmless patterns are caught as well:
 * `([a-z]+\.)*` can be written as `[a-z.]*`.
 */
function checkRepeats(source: string): void {
  const groups: Group[] = [{ varies: false }];
  let ways = 1;
  let closed: Group | undefined;
  for (let i = 0; i < source.length; ) {
    const character = source[i];
    const repeat = repeatAt(source, i);
    const group = groups.at(-1);
    if (group === undefined) return;
    if (repeat !== undefined) {
      if (closed?.varies && repeat.maximum > 1)
        throw new PatternError('repeats a group that itself has repeats or alternatives');
      if (repeat.minimum !== repeat.maximum) {
        group.varies = true;
        ways *= Math.min(repeat.maximum - repeat.minimum + 1, maximumMatchedLength);
      }
      closed = undefined;
      i += repeat.length;
      continue;
    }
    closed = undefined;
    if (character === '\\') {
      if (/[1-9k]/.test(source[i + 1] ?? '')) throw new PatternError('has a back reference');
      i += 2;
    } else if (character === '[') {
      i = classEnd(source, i);
    } else {
      if (character === '(') groups.push({ varies: false });
      else if (character === ')') {
        closed = groups.pop();
        const outer = groups.at(-1);
        // `a)|(?:b` would be valid inside of what it is wrapped in, and not match the whole value.
        if (outer === undefined) throw new PatternError('is no regular expression');
        if (closed?.varies) outer.varies = true;
      } else if (character === '|') {
        group.varies = true;
        ways *= 2;
      }
      // The `?` of `(?:`, `(?=` … is no repeat.
      i += character === '(' && source[i + 1] === '?' ? 2 : 1;
    }
  }
  if (ways > maximumWays)
    throw new PatternError('has too many repeats and alternatives; bound them, as in [a-z]{1,20}');
}

function repeatAt(source: string, at: number): { minimum: number; maximum: number; length: number } | undefined {
  const match = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at, at + 16));
  if (match === null) return undefined;
  const [text, low, comma, high] = match;
  if (low === undefined) {
    return {
      minimum: text.startsWith('+') ? 1 : 0,
      maximum: text.startsWith('?') ? 1 : unbounded,
      length: text.length,
    };
  }
  const minimum = Number(low);
  const maximum = high !== undefined && high !== '' ? Number(high) : comma === ',' ? unbounded : minimum;
  return { minimum: Math.min(minimum, maximumMatchedLength), maximum, length: text.length };
}

const unbounded = Number.POSITIVE_INFINITY;

function classEnd(source: string, from: number): number {
  let i = from + 1;
  while (i < source.length && source[i] !== ']') i += source[i] === '\\' ? 2 : 1;
  return i + 1;
}
