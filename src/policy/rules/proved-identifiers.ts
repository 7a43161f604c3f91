/** What an ACME account has proved, and what its requests may name therefore (RFC 8555 7.4). */

import { formatGeneralName } from '../../x509/general-names.js';
import { idAtCommonName } from '../../x509/oids.js';
import { denied, ok, type Verdict } from '../decision.js';
import { nameByCredential } from '../device-name.js';
import type { Draft } from '../draft.js';
import { provedNames } from '../proved-names.js';
import { quote } from '../safe-text.js';

/**
 * Names in the request's own words are those that were proved, and so is the one that says which device it is; what the
 * profile, that device or a credential gives needs no proof. Needs the names decided.
 */
export function checkProvedIdentifiers({ identity, facts: { deviceName }, copied }: Draft): Verdict {
  const { provedIdentifiers } = identity;
  if (provedIdentifiers === undefined) return ok('nobody has to prove identifiers');
  const proved = provedNames(provedIdentifiers);
  const name = copied.alternativeNames.find((each) => !proved.includes(each));
  if (name !== undefined)
    return denied('rejected-name', notProved('subject alternative name', formatGeneralName(name)));
  const attribute = copied.subject.find(
    ({ key, text }) =>
      (key === idAtCommonName && !proved.includesText(text)) ||
      (key === idAtSerialNumber && !proved.includesSerialNumber(text)),
  );
  if (attribute !== undefined) return denied('rejected-name', notProved(attribute.label, attribute.text));
  // Also where the profile overrides it: whose device it is, its names are, and its certificates may be superseded.
  const isOwnDevice = deviceName === undefined || provedIdentifiers.some(({ value }) => value === deviceName);
  if (!isOwnDevice && nameByCredential(identity) === undefined)
    return denied('rejected-name', notProved('device name', deviceName));
  return ok(`proved are ${provedIdentifiers.map(({ value }) => quote(value)).join(', ') || 'no identifiers'}`);
}

function notProved(label: string, text: string): string {
  return `${label} ${quote(text)} is none of the identifiers that the account has proved`;
}

const idAtSerialNumber = '2.5.4.5';
