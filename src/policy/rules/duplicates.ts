/** Valid certificates that the device has already, and how many there may be. */
import { namesEqual } from '../../x509/names.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import type { Facts, KnownCertificate } from '../facts.js';

/** Same device, policy, usage and subject: needs the subject decided. A re-enrollment is no duplicate of what it replaces. */
export function checkDuplicates(draft: Draft): Verdict {
  const { facts, subject } = draft;
  const { duplicates } = facts.policy;
  if (duplicates === 'allow') return ok('several certificates of the same subject are allowed');
  const others = facts.sameDevice.filter((other) => !isReplaced(other, draft) && namesEqual(other.subject, subject));
  if (others.length === 0) return ok('no other valid certificate of this subject');
  if (duplicates === 'refuse') {
    if (others.every((other) => isRenewedByAccount(other, draft))) return ok('the account renews what it has');
    return denied(
      'duplicate-request',
      'the device has a valid certificate of this subject; re-enroll with that, or have it revoked',
    );
  }
  draft.revokes = others.map(({ issuerId, serialNumber }) => ({ issuerId, serialNumber }));
  return ok(`${others.length} previous certificates are superseded`);
}

/** Limits count what will be valid: not what this issuance supersedes, nor the certificate that it renews. */
export function checkLimits(draft: Draft): Verdict {
  const { facts, now, revokes } = draft;
  const { certificates, certificatesPerDevice } = facts.policy.limits;
  const leaving = countLeaving(facts, revokes.length, now);
  const ofDevice = facts.device === undefined ? 0 : facts.validCertificatesOfDevice;
  if (isReached(certificates, facts.validCertificatesOfPolicy, leaving)) {
    return denied('forbidden', `policy ${facts.policy.name} has reached its limit of ${certificates} certificates`);
  }
  if (isReached(certificatesPerDevice, ofDevice, leaving)) {
    return denied(
      'forbidden',
      `the device has reached the limit of ${certificatesPerDevice} certificates of policy ${facts.policy.name}`,
    );
  }
  return ok('within the limits of the policy');
}

/**
 * How many of the certificates that count as valid now do not count against a limit: those that the issuance supersedes,
 * and the one that it renews. The commit's guards count by it, too.
 */
export function countLeaving({ policy, replaces }: Facts, superseded: number, now: Date): number {
  const isRenewedCounted = replaces?.policy === policy.name && replaces.notAfter.getTime() > now.getTime();
  return superseded + (isRenewedCounted ? 1 : 0);
}

/** A limit whose count is not known counts as reached. */
function isReached(limit: number | undefined, count: number | undefined, leaving: number): boolean {
  return limit !== undefined && (count ?? Number.POSITIVE_INFINITY) - leaving >= limit;
}

function isRenewedByAccount({ requester }: KnownCertificate, { identity }: Draft): boolean {
  return identity.isAccount === true && requester === identity.requester;
}

function isReplaced({ issuerId, serialNumber }: KnownCertificate, { operation, facts }: Draft): boolean {
  const { replaces } = facts;
  return operation === 'reenroll' && issuerId === replaces?.issuerId && serialNumber === replaces.serialNumber;
}
