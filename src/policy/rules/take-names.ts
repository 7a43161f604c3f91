/** What rules for names take: shared by the subject and the subject alternative names. */
import { type Denial, denied } from '../decision.js';
import type { NamesMatter } from '../draft.js';
import type { NameRule, NameValue } from '../name-rule.js';
import { matchesPattern } from '../pattern.js';
import { quote } from '../safe-text.js';
import { sourceValues } from '../source-values.js';

/** A value that stands in the certificate. */
export interface TakenName<Rule, Wish> {
  readonly rule: Rule;
  /** In its usual form. */
  readonly text: string;
  /** The wish that was copied, where the request is the source. */
  readonly wish?: Wish;
}

interface TakenNames<Rule, Wish> {
  readonly outcome: 'taken';
  /** In the order of the rules. */
  readonly names: readonly TakenName<Rule, Wish>[];
  /** Fixed values that override differing wishes, in sentences. */
  readonly modified: readonly string[];
}

/**
 * Applies rules in their order to wishes. Fixed values override wishes; values of the device or the credential refuse
 * differing ones; what is copied from the request must match; a wish that no rule is about is refused.
 * @param standing the same names of the certificate that a re-enrollment replaces
 */
export function takeNames<Rule extends NameRule, Wish extends NameValue>(
  rules: readonly Rule[],
  wishes: readonly Wish[],
  standing: readonly NameValue[] | undefined,
  matter: NamesMatter,
): TakenNames<Rule, Wish> | Denial {
  const left = new Set(wishes);
  // Values that are not the request's come first: what they explain is no longer a wish when a rule of the request looks.
  const given = rules.map((rule) => claim(rule, rules, left, standing, matter));
  const names: TakenName<Rule, Wish>[] = [];
  for (const [i, rule] of rules.entries()) {
    const values = given[i] ?? copyWishes(rule, left);
    const problem = findProblem(rule, values, matter);
    if (problem !== undefined) return denied('rejected-name', problem);
    names.push(...values);
  }
  const modified: string[] = [];
  for (const wish of left) {
    const sibling =
      rules.find(({ key, source }) => key === wish.key && source.from !== 'fixed') ??
      rules.find(({ key }) => key === wish.key);
    if (sibling?.source.from === 'device' && isDeviceOpen(matter)) continue;
    if (sibling?.source.from !== 'fixed') return denied('rejected-name', notTaken(wish, sibling, matter));
    modified.push(`${wish.label} is ${quote(sibling.source.value)}, not ${quote(wish.text)}`);
  }
  return { outcome: 'taken', names, modified };
}

/** What the device has for a name, the request decides. */
function isDeviceOpen({ isPartial, facts }: NamesMatter): boolean {
  return isPartial && facts.deviceName === undefined;
}

/** The values of a rule whose source is not the request, struck off the wishes; undefined for the request's. */
function claim<Rule extends NameRule, Wish extends NameValue>(
  rule: Rule,
  rules: readonly Rule[],
  left: Set<Wish>,
  standing: readonly NameValue[] | undefined,
  matter: NamesMatter,
): TakenName<Rule, Wish>[] | undefined {
  const { source, key, normalize } = rule;
  if (source.from === 'request') return undefined;
  const isStanding = source.from === 'credential' && standing !== undefined;
  const values = isStanding ? standingValues(key, rules, standing) : sourceValues(source, matter);
  return values.map((value) => {
    const text = normalize(value);
    for (const wish of left) {
      if (wish.key === key && isSame(wish.text, text, source.from === 'fixed')) left.delete(wish);
    }
    return { rule, text };
  });
}

/** What the replaced certificate has under a key, without what is fixed there. */
function standingValues(key: string, rules: readonly NameRule[], standing: readonly NameValue[]): string[] {
  const isFixed = (text: string) =>
    rules.some((rule) => rule.key === key && rule.source.from === 'fixed' && rule.source.value === text);
  return standing.filter((name) => name.key === key && !isFixed(name.text)).map(({ text }) => text);
}

/** A fixed value that differs in case only is still told as a change; a refusal for that would help nobody. */
function isSame(wish: string, value: string, isExact: boolean): boolean {
  return wish === value || (!isExact && wish.toLowerCase() === value.toLowerCase());
}

function copyWishes<Rule extends NameRule, Wish extends NameValue>(
  rule: Rule,
  left: Set<Wish>,
): TakenName<Rule, Wish>[] {
  const copied: TakenName<Rule, Wish>[] = [];
  for (const wish of left) {
    if (wish.key !== rule.key) continue;
    left.delete(wish);
    const text = rule.normalize(wish.text);
    if (!copied.some((other) => other.text === text)) copied.push({ rule, text, wish });
  }
  return copied;
}

function findProblem<Rule extends NameRule, Wish extends NameValue>(
  rule: Rule,
  values: readonly TakenName<Rule, Wish>[],
  { facts, isPartial }: NamesMatter,
): string | undefined {
  const { label, source } = rule;
  const profile = facts.profile.name;
  if (values.length === 0) {
    if (!rule.required || isPartial) return undefined;
    return source.from === 'request'
      ? `${label} is missing; profile ${profile} requires it`
      : `${label} is required, but the ${source.from} does not give it`;
  }
  if (source.from === 'request' && values.length > rule.maximum) {
    return `${label} is asked for ${values.length} times; profile ${profile} takes ${rule.maximum}`;
  }
  if (source.from === 'fixed') return undefined;
  for (const { text, wish } of values) {
    const problem = wish?.problem ?? rule.problem(text);
    if (problem !== undefined) return `${label} ${quote(text)} ${problem}`;
    if (rule.pattern !== undefined && wish?.isBinary) return `${label} is no text, so that no pattern can be about it`;
    if (rule.pattern !== undefined && !matchesPattern(rule.pattern.expression, text)) {
      return `${label} ${quote(text)} does not match the pattern ${rule.pattern.text} of profile ${profile}`;
    }
  }
  return undefined;
}

function notTaken(wish: NameValue, rule: NameRule | undefined, { facts }: NamesMatter): string {
  const source = rule?.source.from;
  if (source === undefined) return `${wish.label} is not taken by profile ${facts.profile.name}`;
  return `${wish.label} ${quote(wish.text)} is not what the ${source} has`;
}
