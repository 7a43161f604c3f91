/** What the CA's own certificate says of the names that it may issue to (RFC 5280 4.2.1.10): else nobody would accept the certificate. */
import type { GeneralName } from '../../x509/general-names.js';
import { checkNameConstraints, constrainedNames } from '../../x509/name-constraints.js';
import { decodeName } from '../../x509/names.js';
import { idAtCommonName } from '../../x509/oids.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';

/** Refuses names outside the constraints of the issuing CA and of those above it; needs subject and alternative names decided. */
export function checkIssuerConstraints({ facts, subject, alternativeNames }: Draft): Verdict {
  const { issuer, usage, policy } = facts;
  // RFC 5280 6.1.4: path length and name constraints do not count for what has its issuer's name.
  if (usage === 'intermediate' && facts.isCaSubject(subject)) {
    return denied('rejected-name', 'the subject is that of another CA; a CA needs a name of its own');
  }
  if (issuer.nameConstraints.length === 0) return ok('no name constraints bind the CA');
  const names = [
    ...constrainedNames(subject, alternativeNames),
    ...(usage === 'intermediate' ? [] : hostsIn(subject, alternativeNames)),
  ];
  const problem = checkNameConstraints(names, issuer.nameConstraints);
  if (problem === undefined) return ok('within the name constraints of the CA');
  return denied('rejected-name', `${problem} by the name constraints of the CA of policy ${policy.name}`);
}

/** Where no alternative name says which host it is, some take a common name with a dot for it, and constrain it so (OpenSSL). */
function hostsIn(subject: Uint8Array, alternativeNames: readonly GeneralName[]): GeneralName[] {
  if (alternativeNames.some(({ type }) => type === 'dns')) return [];
  const names = decodeName(subject).flat();
  return names
    .filter(({ type, value }) => type === idAtCommonName && hostForm.test(value))
    .map(({ value }) => ({ type: 'dns', value }));
}

const hostForm = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?$/i;
