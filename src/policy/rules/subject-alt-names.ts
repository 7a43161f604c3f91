/** Subject alternative names (RFC 5280 4.2.1.6): every name through a rule of the profile. */
import { encodeExtension } from '../../x509/extensions.js';
import { encodeGeneralNames, type GeneralName } from '../../x509/general-names.js';
import { idCeSubjectAltName } from '../../x509/oids.js';
import { type AlternativeName, alternativeNameOf } from '../alternative-name.js';
import type { AlternativeNameRule } from '../compile-names.js';
import { denied, ok, okOrChanged, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import { quote } from '../safe-text.js';
import { type TakenName, takeNames } from './take-names.js';

/** Settles the subject alternative names; needs the subject decided. */
export function decideSubjectAltNames(draft: Draft): Verdict {
  const { subjectAltNames: rules } = draft.facts.profile;
  const taken = takeNames(rules, draft.wishes.alternativeNames, draft.replaced?.names.alternativeNames, draft);
  if (taken.outcome === 'denied') return taken;
  const names = withoutRepeats(taken.names);
  if (names.length === 0) {
    if (draft.subjectIsEmpty) {
      return denied('rejected-name', 'the request names nobody: subject and subject alternative names are empty');
    }
    return ok('no subject alternative names');
  }
  draft.alternativeNames = names.map(generalName);
  draft.copied.alternativeNames = names.filter(({ wish }) => wish !== undefined).map(generalName);
  draft.extensions.push(
    encodeExtension({
      id: idCeSubjectAltName,
      // RFC 5280 4.1.2.6: with an empty subject these are the only names, and must be understood.
      critical: draft.subjectIsEmpty,
      value: encodeGeneralNames(draft.alternativeNames),
    }),
  );
  return okOrChanged(names.map(({ rule, text }) => `${rule.key} ${quote(text)}`).join(', '), taken.modified);
}

type Taken = TakenName<AlternativeNameRule, AlternativeName>;

/** Several sources may give the same name. */
function withoutRepeats(names: readonly Taken[]): readonly Taken[] {
  return names.filter(
    ({ rule, text }, i) => names.findIndex((other) => other.rule.key === rule.key && other.text === text) === i,
  );
}

function generalName({ rule, text, wish }: Taken): GeneralName {
  if (rule.fixedName !== undefined) return rule.fixedName;
  const isText = rule.type !== 'otherName' && rule.type !== 'directoryName';
  return isText || wish === undefined ? alternativeNameOf(rule.type, text, rule.typeId) : wish.name;
}
