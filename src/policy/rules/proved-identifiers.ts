/** What an ACME account has proved, and what its requests may name therefore (RFC 8555 7.4). */

import { formatGeneralName } from '../../x509/general-names.js';
import { idAtCommonName } from '../../x509/oids.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import { provedNames } from '../proved-names.js';
import { quote } from '../safe-text.js';

/**
 * Names in the request's own words are those that were proved; what the profile, the device or a credential gives needs no
 * proof. Needs the names decided.
 */
export function checkProvedIdentifiers({ identity: { provedIdentifiers }, copied }: Draft): Verdict {
  if (provedIdentifiers === undefined) return ok('nobody has to prove identifiers');
  const proved = provedNames(provedIdentifiers);
  const name = copied.alternativeNames.find((each) => !proved.includes(each));
  if (name !== undefined)
    return denied('rejected-name', notProved('subject alternative name', formatGeneralName(name)));
  const attribute = copied.subject.find(({ key, text }) => naming.has(key) && !proved.includesText(text));
  if (attribute !== undefined) return denied('rejected-name', notProved(attribute.label, attribute.text));
  return ok(`proved are ${provedIdentifiers.map(({ value }) => quote(value)).join(', ') || 'no identifiers'}`);
}

function notProved(label: string, text: string): string {
  return `${label} ${quote(text)} is none of the identifiers that the account has proved`;
}

/** What devices and servers are known by; a serial number becomes a device's name as well. */
const naming: ReadonlySet<string> = new Set([idAtCommonName, '2.5.4.5']);
