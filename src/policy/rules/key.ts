/** The public key: its kind and size against the template, known weaknesses, and where it was seen before. */
import type { KeyConstraints } from '../../model/key-constraints.js';
import { namesEqual } from '../../x509/names.js';
import { keyFingerprint, type PublicKeyDescription } from '../../x509/public-key.js';
import { findRsaWeakness, isWeakEdwardsPoint, type RsaWeakness } from '../../x509/weak-keys.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import type { KnownCertificate } from '../facts.js';

/** That an EC point lies on its curve is known by then: whoever verified the proof of possession has imported the key. */
export function checkKey({ key, requested, facts }: Draft): Verdict {
  if (key === undefined || requested.subjectPublicKeyInfo === undefined) {
    return ok('the gateway has yet to make the key');
  }
  const { template } = facts.profile;
  const problem = constraintProblem(key, template.keys) ?? weakness(key);
  if (problem !== undefined) return denied('unacceptable-key', problem);
  if (facts.isCompromisedKey(keyFingerprint(requested.subjectPublicKeyInfo))) {
    return denied('unacceptable-key', 'the key is known to be compromised');
  }
  return ok(describe(key));
}

/** One key, one device; and the profile's rule for keys at re-enrollment. Needs the subject decided. */
export function checkKeyReuse(draft: Draft): Verdict {
  const { key, facts, replaced, requested, isNewKeyOnly } = draft;
  if (key === undefined || requested.subjectPublicKeyInfo === undefined) {
    return ok('the gateway has yet to make the key');
  }
  for (const known of facts.sameKey) {
    if (known.revocationReason === 'keyCompromise' || known.revocationReason === 'cACompromise') {
      return denied('unacceptable-key', 'a certificate with this key has been revoked because the key was compromised');
    }
    if (!isSameHolder(known, draft)) {
      return denied('unacceptable-key', 'the key is in a certificate of another device or subject');
    }
  }
  if (isNewKeyOnly && facts.sameKey.some(({ status }) => status !== 'revoked')) {
    return denied('unacceptable-key', 'the key is in a certificate already, and this policy demands a new one');
  }
  if (replaced === undefined) {
    return ok(facts.sameKey.length === 0 ? 'the key is new here' : "the key is known as this device's own");
  }
  const isSame =
    keyFingerprint(requested.subjectPublicKeyInfo) === keyFingerprint(replaced.certificate.subjectPublicKeyInfo);
  const rule = facts.profile.profile.renewal.key;
  if (rule === 'same' && !isSame) {
    return denied('unacceptable-key', 'this profile demands that re-enrollment keeps the key');
  }
  if (rule === 'new' && (isSame || facts.sameKey.length > 0)) {
    return denied('unacceptable-key', 'this profile demands a new key at re-enrollment');
  }
  return ok(isSame ? 'a renewal with the same key' : 'a rekey');
}

/** A device may have certificates of several names; without a device the names tell. */
function isSameHolder(known: KnownCertificate, { facts, subject }: Draft): boolean {
  if (known.deviceId !== undefined) return known.deviceId === facts.device?.id;
  return facts.usage === 'service' && namesEqual(known.subject, subject);
}

function constraintProblem(key: PublicKeyDescription, constraints: KeyConstraints): string | undefined {
  switch (key.algorithm) {
    case 'rsa': {
      const { rsa } = constraints;
      if (rsa === undefined) return 'RSA keys are not taken by the template';
      if (key.bits < rsa.minimumBits) {
        return `an RSA key of ${key.bits} bits is too short; at least ${rsa.minimumBits} are needed`;
      }
      return key.bits > rsa.maximumBits
        ? `an RSA key of ${key.bits} bits is too long; ${rsa.maximumBits} are the most`
        : undefined;
    }
    case 'ec': {
      const { ec } = constraints;
      if (ec === undefined) return 'EC keys are not taken by the template';
      return ec.curves.includes(key.curve) ? undefined : `curve ${key.curve} is not one of ${ec.curves.join(', ')}`;
    }
    case 'ed25519':
    case 'ed448':
    case 'x25519':
    case 'x448':
      return constraints[key.algorithm] ? undefined : `${curveNames[key.algorithm]} keys are not taken by the template`;
  }
}

function weakness(key: PublicKeyDescription): string | undefined {
  if (key.algorithm === 'ed25519' || key.algorithm === 'ed448') {
    return isWeakEdwardsPoint(key.algorithm, key.point) ? 'anybody can sign for the public key' : undefined;
  }
  if (key.algorithm !== 'rsa') return undefined;
  const found = findRsaWeakness(key.modulus, key.exponent);
  return found === undefined ? undefined : weaknesses[found];
}

function describe(key: PublicKeyDescription): string {
  switch (key.algorithm) {
    case 'rsa':
      return `RSA key of ${key.bits} bits`;
    case 'ec':
      return `EC key on ${key.curve}`;
    case 'ed25519':
    case 'ed448':
    case 'x25519':
    case 'x448':
      return `${curveNames[key.algorithm]} key`;
  }
}

const curveNames = { ed25519: 'Ed25519', ed448: 'Ed448', x25519: 'X25519', x448: 'X448' } as const;
const weaknesses: Readonly<Record<RsaWeakness, string>> = {
  exponent: 'the RSA exponent is even or below 65537',
  'small-factor': 'the RSA modulus has a small factor',
  roca: 'the RSA key has the ROCA weakness (CVE-2017-15361)',
  'close-primes': 'the primes of the RSA key are too close to each other',
};
