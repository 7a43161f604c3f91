/** Further extensions: those that a rule of the profile names, and nothing else of what was asked for. */
import { encodeExtension, findExtension } from '../../x509/extensions.js';
import { encodeQualifiedPolicies } from '../../x509/location-extensions.js';
import {
  idCeAuthorityKeyIdentifier,
  idCeBasicConstraints,
  idCeCertificatePolicies,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idCeNameConstraints,
  idCeSubjectAltName,
  idCeSubjectKeyIdentifier,
} from '../../x509/oids.js';
import type { CompiledExtensionRule } from '../compile-extensions.js';
import type { CompiledProfile } from '../compile-profile.js';
import { type Denial, denied, okOrChanged, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import { decodeExtensionText, encodeExtensionText } from '../extension-text.js';
import { matchesPattern } from '../pattern.js';
import { hasUnsafeCharacters, quote } from '../safe-text.js';
import { sourceValues } from '../source-values.js';

/** Settles custom extensions and certificate policies. */
export function decideExtensions(draft: Draft): Verdict {
  const { facts, requested } = draft;
  const { profile } = facts;
  const modified: string[] = [];
  for (const rule of profile.extensions) {
    const wish = findExtension(requested.extensions, rule.id)?.value;
    const value =
      rule.source.from === 'request' ? copiedValue(rule, wish, draft) : givenValue(rule, wish, draft, modified);
    if (value === undefined) continue;
    if (!(value instanceof Uint8Array)) return value;
    draft.extensions.push(rule.fixed?.extension ?? encodeExtension({ id: rule.id, critical: rule.critical, value }));
  }
  if (profile.certificatePolicies !== undefined) {
    draft.extensions.push(
      facts.issuer.cps === undefined ? profile.certificatePolicies : withCps(profile, facts.issuer.cps),
    );
  }
  for (const { id } of requested.extensions) {
    if (id === idCeNameConstraints && profile.nameConstraints !== undefined) continue;
    if (decidedElsewhere.has(id) || profile.extensions.some((rule) => rule.id === id)) continue;
    if (profile.profile.otherExtensions === 'refuse') {
      return denied('rejected-profile', `extension ${id} is not taken by profile ${profile.name}`);
    }
    modified.push(`extension ${id} is left out`);
  }
  return okOrChanged(`${profile.extensions.length} extension rules applied`, modified);
}

function withCps({ profile: { certificatePolicies } }: CompiledProfile, cps: string): Uint8Array {
  const value = encodeQualifiedPolicies(certificatePolicies.map((id) => ({ id, cps })));
  return encodeExtension({ id: idCeCertificatePolicies, critical: false, value });
}

/** Read as text, checked, and encoded anew: the requester's bytes do not travel on. */
function copiedValue(
  rule: CompiledExtensionRule,
  wish: Uint8Array | undefined,
  { facts }: Draft,
): Uint8Array | Denial | undefined {
  if (wish !== undefined) return checkedValue(rule, decodeExtensionText(rule.encoding, wish));
  if (!rule.required) return undefined;
  return denied('rejected-profile', `extension ${rule.id} is missing; profile ${facts.profile.name} requires it`);
}

function givenValue(
  rule: CompiledExtensionRule,
  wish: Uint8Array | undefined,
  draft: Draft,
  modified: string[],
): Uint8Array | Denial | undefined {
  const value = rule.fixed?.value ?? sourcedValue(rule, draft);
  if (value !== undefined && !(value instanceof Uint8Array)) return value;
  if (value === undefined && rule.required) {
    return denied('rejected-profile', `extension ${rule.id} is required, but the ${rule.source.from} does not give it`);
  }
  if (wish === undefined || (value !== undefined && Buffer.compare(wish, value) === 0)) return value;
  if (rule.fixed === undefined) {
    return denied('rejected-profile', `extension ${rule.id} is not what the ${rule.source.from} has`);
  }
  modified.push(`extension ${rule.id} has the profile's value`);
  return value;
}

function sourcedValue(rule: CompiledExtensionRule, draft: Draft): Uint8Array | Denial | undefined {
  const { source } = rule;
  if (source.from === 'request') return undefined;
  if (source.from === 'credential' && draft.replaced !== undefined) {
    // As with names, the certificate that is replaced speaks for the credential it was issued for.
    return findExtension(draft.replaced.certificate.extensions, rule.id)?.value;
  }
  const [text] = sourceValues(source, draft);
  return text === undefined ? undefined : checkedValue(rule, text);
}

function checkedValue({ id, encoding, pattern }: CompiledExtensionRule, text: string): Uint8Array | Denial {
  if (hasUnsafeCharacters(text)) {
    return denied('rejected-profile', `extension ${id} has control or invisible characters`);
  }
  if (pattern !== undefined && !matchesPattern(pattern.expression, text)) {
    return denied('rejected-profile', `extension ${id} ${quote(text)} does not match the pattern ${pattern.text}`);
  }
  const value = encodeExtensionText(encoding, text);
  return value ?? denied('rejected-profile', `extension ${id} ${quote(text)} does not fit the encoding ${encoding}`);
}

/** Rules of their own decide these, or the CA does; SKI and AKI in a request mean nothing. */
const decidedElsewhere: ReadonlySet<string> = new Set([
  idCeSubjectAltName,
  idCeKeyUsage,
  idCeExtKeyUsage,
  idCeBasicConstraints,
  idCeSubjectKeyIdentifier,
  idCeAuthorityKeyIdentifier,
]);
