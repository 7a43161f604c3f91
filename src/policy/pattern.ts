/** The patterns of profiles: regular expressions that match a whole value and cannot be made to run for long. */

/** Compiles a pattern. @throws PatternError with a sentence for the operator */
export function compilePattern(source: string): RegExp {
  checkCost(source);
  try {
    const pattern = new RegExp(`^(?:${source})$`, 'u');
    // V8 interprets an expression when it first runs, and makes machine code of it only then: what a stranger sends is to be quick.
    pattern.test('');
    return pattern;
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
// Three unbounded repeats and some eight characters after them: some tenths of a second at the very worst.
const maximumCost = 2 ** 25;

/** In how many ways the engine can have come to a place in the pattern. */
interface Ways {
  /** If no repeat took anything from another: the product of their ranges, and the sum over alternatives. */
  readonly product: number;
  /** By alternatives alone. */
  readonly choices: number;
  /** How many repeats there are on the way that leave a choice. */
  readonly repeats: number;
}

interface Group {
  readonly begin: Ways;
  readonly costBefore: number;
  /** At the end of those of its alternatives that have ended. */
  ended: Ways | undefined;
  /** Whether it can match in several ways. */
  varies: boolean;
}

/**
 * Refuses what may take more than {@link maximumCost} steps of backtracking for a value of the greatest length. No element of a
 * pattern is tried more often than there are ways to come to it, because nothing that can match in several ways is repeated: such
 * groups (`(a+)+`, `(a|aa)*`) are refused, and back references. Harmless patterns are caught as well: `([a-z]+\.)*` can be
 * written as `[a-z.]*`.
 */
function checkCost(source: string): void {
  // What looks back shares the length out anew.
  const looksBehind = /\(\?<[=!]/.test(source);
  const start: Ways = { product: 1, choices: 1, repeats: 0 };
  const open: Group[] = [];
  let group: Group = { begin: start, costBefore: 0, ended: undefined, varies: false };
  let ways = start;
  let cost = 0;
  // Of the last element, which a repeat is about.
  let last: { readonly cost: number; readonly varies: boolean } = { cost: 0, varies: false };
  for (const { 0: token } of source.matchAll(tokens)) {
    const repeat = repeatOf(token);
    if (repeat) {
      const { minimum, maximum } = repeat;
      if (last.varies && maximum > 1) throw new PatternError('repeats a group that itself has repeats or alternatives');
      // Each round of the optional ones takes something.
      const rounds = Math.max(1, minimum, Math.min(maximum, maximumMatchedLength));
      cost += last.cost * (rounds - 1);
      if (minimum !== maximum) {
        group.varies = true;
        const range = Math.min(maximum - minimum, maximumMatchedLength) + 1;
        ways = { ...ways, product: ways.product * range, repeats: ways.repeats + 1 };
      }
    } else if (token === '|') {
      group.varies = true;
      group.ended = eitherOf(group.ended, ways);
      ways = group.begin;
      cost += countOf(ways, looksBehind);
    } else if (token.startsWith('(')) {
      open.push(group);
      group = { begin: ways, costBefore: cost, ended: undefined, varies: false };
      // Even one with nothing in it is tried, and can be repeated.
      cost += countOf(ways, looksBehind);
    } else if (token === ')') {
      const around = open.pop();
      // `a)|(?:b` would be valid inside of what it is wrapped in, and not match the whole value.
      if (around === undefined) throw new PatternError('is no regular expression');
      ways = eitherOf(group.ended, ways);
      last = { cost: cost - group.costBefore, varies: group.varies };
      around.varies ||= group.varies;
      group = around;
    } else {
      if (/^\\[1-9k]/.test(token)) throw new PatternError('has a back reference');
      last = { cost: countOf(ways, looksBehind), varies: false };
      cost += last.cost;
    }
    if (cost > maximumCost) {
      throw new PatternError('has too many repeats and alternatives; bound them, as in [a-z]{1,20}');
    }
  }
}

function eitherOf(one: Ways | undefined, other: Ways): Ways {
  if (one === undefined) return other;
  return {
    product: one.product + other.product,
    choices: one.choices + other.choices,
    repeats: Math.max(one.repeats, other.repeats),
  };
}

/** The repeats share the value's length out among them: there are no more ways than to put so many marks into it. */
function countOf({ product, choices, repeats }: Ways, looksBehind: boolean): number {
  if (looksBehind) return product;
  let shares = choices;
  for (let i = 1; i <= repeats && shares < product; i++) shares *= (maximumMatchedLength + i) / i;
  return Math.min(product, shares);
}

// An escape, a character class, the begin of a group with its `?`, which is no repeat; a repeat; any other character.
const tokens = /\\[pPu]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]?|\(\??|(?:[*+?]|\{\d+(?:,\d*)?\})\??|./gsu;

function repeatOf(token: string): { readonly minimum: number; readonly maximum: number } | undefined {
  if (token.startsWith('*')) return { minimum: 0, maximum: Number.POSITIVE_INFINITY };
  if (token.startsWith('+')) return { minimum: 1, maximum: Number.POSITIVE_INFINITY };
  if (token.startsWith('?')) return { minimum: 0, maximum: 1 };
  const [, low, comma, high] = /^\{(\d+)(,?)(\d*)\}/.exec(token) ?? [];
  if (low === undefined) return undefined;
  const minimum = Number(low);
  if (comma !== ',') return { minimum, maximum: minimum };
  return { minimum, maximum: high ? Number(high) : Number.POSITIVE_INFINITY };
}
