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

const maximumMatchedLength = 256;
// Three unbounded repeats over the longest value: some ten milliseconds at the very worst.
const maximumWays = maximumMatchedLength ** 3;

/**
 * Refuses what can make backtracking slow: back references, repeated groups that themselves contain a repeat or
 * alternatives (`(a+)+`, `(a|aa)*`), and too many repeats in a row. Without nesting, the number of ways to try is at
 * most the product of the repeats' ranges and of the alternatives. Harmless patterns are caught as well:
 * `([a-z]+\.)*` can be written as `[a-z.]*`.
 */
function checkRepeats(source: string): void {
  // For each open group, the whole pattern first: whether it can match in several ways.
  const varies = [false];
  let ways = 1;
  let closedVaries = false;
  for (const { 0: token } of source.matchAll(tokens)) {
    const depth = varies.length - 1;
    const { minimum, maximum } = repeatOf(token) ?? once;
    if (closedVaries && maximum > 1) throw new PatternError('repeats a group that itself has repeats or alternatives');
    closedVaries = false;
    if (minimum !== maximum) {
      varies[depth] = true;
      ways *= Math.min(maximum - minimum + 1, maximumMatchedLength);
    } else if (token === '|') {
      varies[depth] = true;
      ways *= 2;
    } else if (token.startsWith('(')) {
      varies.push(false);
    } else if (token === ')') {
      // `a)|(?:b` would be valid inside of what it is wrapped in, and not match the whole value.
      if (depth === 0) throw new PatternError('is no regular expression');
      closedVaries = varies.pop() === true;
      varies[depth - 1] ||= closedVaries;
    } else if (/^\\[1-9k]/.test(token)) {
      throw new PatternError('has a back reference');
    }
  }
  if (ways > maximumWays) {
    throw new PatternError('has too many repeats and alternatives; bound them, as in [a-z]{1,20}');
  }
}

// An escape, a character class, the begin of a group with its `?`, which is no repeat; a repeat; any other character.
const tokens = /\\.|\[(?:\\.|[^\]\\])*\]?|\(\??|(?:[*+?]|\{\d+(?:,\d*)?\})\??|./gsu;
const once = { minimum: 1, maximum: 1 };

function repeatOf(token: string): { minimum: number; maximum: number } | undefined {
  if (token.startsWith('*')) return { minimum: 0, maximum: Number.POSITIVE_INFINITY };
  if (token.startsWith('+')) return { minimum: 1, maximum: Number.POSITIVE_INFINITY };
  if (token.startsWith('?')) return { minimum: 0, maximum: 1 };
  const [, low, comma, high] = /^\{(\d+)(,?)(\d*)\}/.exec(token) ?? [];
  if (low === undefined) return undefined;
  const minimum = Number(low);
  if (comma !== ',') return { minimum, maximum: minimum };
  return { minimum, maximum: high ? Number(high) : Number.POSITIVE_INFINITY };
}
