/** The subject (RFC 5280 4.1.2.6): every attribute through a rule of the profile, in the profile's order. */
import { sequence } from '../../x509/der-writer.js';
import { okOrChanged, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import { quote } from '../safe-text.js';
import { encodeRdn } from '../subject-attribute.js';
import { takeNames } from './take-names.js';

/** Settles the subject. */
export function decideSubject(draft: Draft): Verdict {
  const { subject: rules } = draft.facts.profile;
  const taken = takeNames(rules, draft.wishes.subject, draft.replaced?.names.subject, draft);
  if (taken.outcome === 'denied') return taken;
  draft.subject = sequence(
    ...taken.names.map(({ rule, text, wish }) => rule.fixedRdn ?? encodeRdn(rule.attribute, text, wish?.tag)),
  );
  draft.subjectIsEmpty = taken.names.length === 0;
  draft.copied.subject = taken.names.flatMap(({ wish }) => wish ?? []);
  const said = draft.subjectIsEmpty
    ? 'the subject is empty'
    : taken.names.map(({ rule, text }) => `${rule.attribute.short} ${quote(text)}`).join(', ');
  return okOrChanged(said, taken.modified);
}
