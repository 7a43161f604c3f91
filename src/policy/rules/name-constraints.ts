/** Name constraints (RFC 5280 4.2.1.10) of CA certificates: the profile's, whatever is asked. */
import { encodeNameConstraints, type NameSubtree, parseNameSubtree } from '../../x509/encode-name-constraints.js';
import { encodeExtension, findExtension } from '../../x509/extensions.js';
import { idCeNameConstraints } from '../../x509/oids.js';
import type { CompiledNameConstraints, CompiledSubtree, DeviceSubtree } from '../compile-name-constraints.js';
import { type Denial, denied, ok, okOrChanged, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import { matchesPattern } from '../pattern.js';
import { hasUnsafeCharacters, quote } from '../safe-text.js';
import { sourceValues } from '../source-values.js';

/** Settles which names the CA may issue to. */
export function decideNameConstraints(draft: Draft): Verdict {
  const { profile } = draft.facts;
  // What was asked for without any is the affair of the rule for all other extensions.
  if (profile.nameConstraints === undefined) return ok('no name constraints');
  const resolved = resolveNameConstraints(profile.nameConstraints, draft);
  if (resolved?.outcome === 'denied') return resolved;
  if (resolved !== undefined) draft.extensions.push(resolved.extension);
  const said = resolved?.said ?? 'no name constraints';
  const asked = findExtension(draft.requested.extensions, idCeNameConstraints)?.value;
  if (asked === undefined || (resolved !== undefined && Buffer.compare(asked, resolved.value) === 0)) return ok(said);
  if (profile.profile.otherExtensions === 'refuse') {
    return denied('rejected-profile', `profile ${profile.name} has other name constraints than those asked for`);
  }
  return okOrChanged(said, [`the name constraints are those of profile ${profile.name}, not those asked for`]);
}

interface ResolvedNameConstraints {
  readonly outcome: 'resolved';
  /** DER: what is inside of the extension, and the whole of it. */
  readonly value: Uint8Array;
  readonly extension: Uint8Array;
  readonly said: string;
}

/** With the values of the device of a request; undefined where nothing is left. */
function resolveNameConstraints(
  { permitted, excluded }: CompiledNameConstraints,
  draft: Draft,
): ResolvedNameConstraints | Denial | undefined {
  const subtrees = { permitted: resolveAll(permitted, draft), excluded: resolveAll(excluded, draft) };
  if ('outcome' in subtrees.permitted) return subtrees.permitted;
  if ('outcome' in subtrees.excluded) return subtrees.excluded;
  const lists = { permitted: subtrees.permitted, excluded: subtrees.excluded };
  if (lists.permitted.length + lists.excluded.length === 0) return undefined;
  const value = encodeNameConstraints(lists);
  return {
    outcome: 'resolved',
    value,
    extension: encodeExtension({ id: idCeNameConstraints, critical: true, value }),
    said: `name constraints: ${lists.permitted.length} permitted, ${lists.excluded.length} excluded`,
  };
}

function resolveAll(subtrees: readonly CompiledSubtree[], draft: Draft): NameSubtree[] | Denial {
  const resolved: NameSubtree[] = [];
  for (const subtree of subtrees) {
    if (!('source' in subtree)) {
      resolved.push(subtree);
      continue;
    }
    const found = resolveOne(subtree, draft);
    if (found === undefined) continue;
    if ('outcome' in found) return found;
    resolved.push(found);
  }
  return resolved;
}

function resolveOne(
  { form, source, required, pattern }: DeviceSubtree,
  draft: Draft,
): NameSubtree | Denial | undefined {
  const [text] = sourceValues(source, draft);
  if (text === undefined) {
    if (!required) return undefined;
    return denied('rejected-profile', `a name constraint of form ${form} is required, but the device does not give it`);
  }
  const refuse = (problem: string) => denied('rejected-profile', `name constraint ${form} ${quote(text)} ${problem}`);
  if (hasUnsafeCharacters(text)) return refuse('has control or invisible characters');
  if (pattern !== undefined && !matchesPattern(pattern.expression, text)) {
    return refuse(`does not match the pattern ${pattern.text}`);
  }
  try {
    return parseNameSubtree(form, text);
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(error.message);
    throw error;
  }
}
