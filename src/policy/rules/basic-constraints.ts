/** Basic constraints (RFC 5280 4.2.1.9). End entities carry none: an empty SEQUENCE says what its absence says. */
import {
  decodeBasicConstraints,
  encodeBasicConstraints,
  encodeExtension,
  findExtension,
} from '../../x509/extensions.js';
import { idCeBasicConstraints } from '../../x509/oids.js';
import { denied, ok, okOrChanged, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';

/** Settles whether the certificate is one of a CA, and the length of the path below it. */
export function decideBasicConstraints(draft: Draft): Verdict {
  const { facts, requested } = draft;
  const { profile, usage, issuer } = facts;
  const requestedValue = findExtension(requested.extensions, idCeBasicConstraints)?.value;
  const asked = requestedValue === undefined ? undefined : decodeBasicConstraints(requestedValue);
  const isCaProfile = profile.template.basicConstraints.ca;
  if (isCaProfile !== (usage === 'intermediate')) {
    return denied(
      'rejected-profile',
      `profile ${profile.name} is ${isCaProfile ? '' : 'not '}for CA certificates, which does not fit usage ${usage}`,
    );
  }
  if (!isCaProfile) {
    if (asked?.ca === true) return denied('rejected-power', `profile ${profile.name} does not make CA certificates`);
    return ok('an end entity');
  }
  if (!issuer.issueIntermediates) {
    return denied('rejected-profile', `the CA of policy ${facts.policy.name} does not issue CA certificates`);
  }
  if (issuer.pathLength === 0) {
    return denied(
      'rejected-profile',
      `the CA of policy ${facts.policy.name} has path length 0 and cannot issue CA certificates`,
    );
  }
  if (draft.isGatewayMadeKey) {
    return denied('rejected-profile', 'a CA has a key of its own; the gateway makes none for it');
  }
  const most = mostPathLength(draft);
  if (asked?.pathLength !== undefined && asked.pathLength > most) {
    return denied(
      'rejected-profile',
      `path length ${asked.pathLength} is more than the ${most} of profile ${profile.name} and its CA`,
    );
  }
  const pathLength = asked?.pathLength ?? most;
  draft.isCa = true;
  draft.extensions.push(
    encodeExtension({
      id: idCeBasicConstraints,
      critical: true,
      value: encodeBasicConstraints({ ca: true, pathLength }),
    }),
  );
  return okOrChanged(
    `a CA with path length ${pathLength}`,
    asked?.ca === false ? ['the certificate is one of a CA'] : [],
  );
}

/** The profile's, which keeps its template, and one less than the issuer's own. */
function mostPathLength({ facts: { profile, issuer } }: Draft): number {
  const own = profile.profile.pathLength ?? 0;
  return issuer.pathLength === undefined ? own : Math.min(own, issuer.pathLength - 1);
}
