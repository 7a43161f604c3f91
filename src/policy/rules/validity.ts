/**
 * Validity (RFC 5280 4.1.2.5), in whole seconds. It begins before now by the CA's backdate, for slow clocks, but not before the CA does, and ends
 * with now plus the profile's validity; both ends count as valid, so that it is a second longer, which nobody measures.
 */
import type { RequestedCertificate } from '../../model/requested-certificate.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import type { Facts } from '../facts.js';

/** What the rule looks at, and settles. */
interface ValidityMatter extends Pick<Draft, 'notBefore' | 'notAfter' | 'now'> {
  readonly facts: Pick<Facts, 'policy' | 'profile' | 'issuer'>;
  readonly requested: Pick<RequestedCertificate, 'notBefore' | 'notAfter'>;
}

/** Settles begin and end. */
export function decideValidity(draft: ValidityMatter): Verdict {
  const { facts, requested, now } = draft;
  const { issuer, profile } = facts;
  const start = wholeSeconds(now);
  const earliest = Math.max(start - issuer.backdateSeconds * 1000, issuer.notBefore.getTime());
  const issuerEnd = wholeSeconds(issuer.notAfter);
  if (issuerEnd <= start) return denied('invalid-state', `the CA of policy ${facts.policy.name} has expired`);
  const profileEnd = start + profile.profile.validity * 1000;
  const latest = Math.min(profileEnd, issuerEnd);

  const begin = requested.notBefore === undefined ? undefined : wholeSeconds(requested.notBefore);
  const end = requested.notAfter === undefined ? undefined : wholeSeconds(requested.notAfter);
  if ((begin !== undefined || end !== undefined) && !profile.profile.requestedValidity) {
    return denied('rejected-profile', `profile ${profile.name} does not let requests say their validity`);
  }
  if (end !== undefined && !(end <= latest)) {
    const limit = latest === profileEnd ? `profile ${profile.name}` : 'the end of the CA';
    return denied(
      'rejected-profile',
      `the requested end of validity is after ${text(latest)}, which ${limit} allows at most`,
    );
  }
  if (begin !== undefined && !(begin >= earliest)) {
    return denied('rejected-profile', `the requested begin of validity is before ${text(earliest)}`);
  }
  const notBefore = begin ?? earliest;
  const notAfter = end ?? latest;
  if (notBefore > notAfter || notAfter <= start) {
    return denied('rejected-profile', 'the requested validity ends before it begins');
  }
  const minimum = profile.template.minimumValidity;
  if (minimum !== undefined && notAfter - start < minimum * 1000) {
    const isWish = end !== undefined;
    const reason = `validity until ${text(notAfter)} is shorter than the ${minimum} seconds of template ${profile.template.name}`;
    return denied(isWish ? 'rejected-profile' : 'invalid-state', isWish ? reason : `${reason}: the CA ends too early`);
  }
  draft.notBefore = new Date(notBefore);
  draft.notAfter = new Date(notAfter);
  const said = `valid until ${text(notAfter)}`;
  // Nobody's wish was changed, so that the requester is not told; the trace is.
  if (notAfter === issuerEnd && issuerEnd < profileEnd && end === undefined) {
    return { outcome: 'changed', said: `${said}, cut to the end of the CA`, modified: [] };
  }
  return ok(said);
}

function wholeSeconds(at: Date): number {
  return Math.floor(at.getTime() / 1000) * 1000;
}

function text(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}
