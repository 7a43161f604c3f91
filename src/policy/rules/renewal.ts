/** Re-enrollment: what is replaced, when that may be, and that names stay as they are (RFC 7030 4.2.2, RFC 9483 4.1.3). */
import { extension } from '../../x509/certificate.js';
import { namesEqual } from '../../x509/names.js';
import { idCeSubjectAltName } from '../../x509/oids.js';
import type { AlternativeName } from '../alternative-name.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';

/** The certificate being replaced, and the profile's window and grace. */
export function checkRenewal({ operation, facts, identity, now }: Draft): Verdict {
  if (operation === 'enroll') return ok('a first certificate, replacing none');
  const { replaces, profile, usage } = facts;
  if (replaces === undefined) {
    return denied('unknown-certificate', 'the certificate to be re-enrolled is not on record');
  }
  const presented = identity.issuedCertificate;
  const isPresented = presented?.issuerId === replaces.issuerId && presented.serialNumber === replaces.serialNumber;
  // The gateway renews its own certificates without presenting them to itself.
  if (!isPresented && usage !== 'service') {
    return denied('forbidden', 'the certificate to be re-enrolled did not authenticate the request');
  }
  if (replaces.status !== 'valid') {
    return denied('revoked-requester', `the certificate to be re-enrolled is ${replaces.status}`);
  }
  const { window, grace } = profile.profile.renewal;
  const end = replaces.notAfter.getTime();
  if (now.getTime() > end + grace * 1000) {
    return denied('revoked-requester', `the certificate to be re-enrolled has expired on ${date(end)}`);
  }
  if (window === undefined) return ok('re-enrollment is open at any time');
  const opens = end - window * 1000;
  if (now.getTime() < opens) return denied('invalid-state', `re-enrollment opens on ${date(opens)}`);
  return ok(`re-enrollment is open since ${date(opens)}`);
}

/** Subject and alternative names asked for are those of the certificate being replaced. */
export function checkSameNames({ requested, replaced, wishes, changesNames, facts: { policy } }: Draft): Verdict {
  if (replaced === undefined) return ok('no certificate to compare names with');
  if (changesNames) {
    if (policy.changeSubjectName) return ok('names may be changed by ChangeSubjectName');
    return denied('rejected-name', `policy ${policy.name} does not let re-enrollment change names`);
  }
  if (!namesEqual(requested.subject, replaced.certificate.subject)) {
    return denied('rejected-name', 'the subject differs from that of the certificate to be re-enrolled');
  }
  const isSame =
    extension(replaced.certificate, idCeSubjectAltName) === undefined
      ? wishes.alternativeNames.length === 0
      : sameNames(wishes.alternativeNames, replaced.names.alternativeNames);
  if (isSame) return ok('names are those of the certificate to be re-enrolled');
  return denied('rejected-name', 'subject alternative names differ from those of the certificate to be re-enrolled');
}

function sameNames(a: readonly AlternativeName[], b: readonly AlternativeName[]): boolean {
  const left = new Set(a.map(comparable));
  const right = new Set(b.map(comparable));
  return left.size === right.size && [...left].every((name) => right.has(name));
}

/** Several fields in one string without ambiguity: keys have no blank. */
function comparable({ key, text }: AlternativeName): string {
  return `${key} ${text}`;
}

function date(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}
