/** Key usage and extended key usage (RFC 5280 4.2.1.3, 4.2.1.12), fitted to the kind of key. */
import type { KeyUsageName } from '../../model/certificate-template.js';
import { decodeExtKeyUsage, decodeKeyUsage, findExtension } from '../../x509/extensions.js';
import {
  anyExtendedKeyUsage,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idKpCmcCa,
  idKpCmcRa,
  idKpCmKga,
  idKpCodeSigning,
  idKpOcspSigning,
  idKpTimeStamping,
} from '../../x509/oids.js';
import { extendedKeyUsageExtension, extendedKeyUsageName, keyUsageExtension } from '../compile-usages.js';
import { denied, ok, okOrChanged, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';
import { fittingKeyUsages } from '../key-kind.js';

/** Settles the key usage. */
export function decideKeyUsage(draft: Draft): Verdict {
  const { facts, keyKind, requested } = draft;
  const { profile } = facts;
  const { names: permitted, extension } = profile.keyUsages[keyKind];
  if (permitted.length === 0) {
    return denied('rejected-profile', `profile ${profile.name} has no key usage that this kind of key can serve`);
  }
  const value = findExtension(requested.extensions, idCeKeyUsage)?.value;
  // An empty list says nothing; RFC 5280 forbids it, and clients send it.
  const asked = value === undefined ? [] : decodeKeyUsage(value);
  const ofCa = asked.find((usage) => caUsages.has(usage) && !permitted.includes(usage));
  if (ofCa !== undefined) {
    return denied('rejected-profile', `key usage ${ofCa} is for CAs and not in profile ${profile.name}`);
  }
  const wanted = fittingKeyUsages(keyKind, asked);
  const isNarrowed = profile.profile.usageSource === 'request' && asked.length > 0;
  const taken = isNarrowed ? permitted.filter((usage) => wanted.includes(usage)) : permitted;
  if (taken.length === 0) {
    return denied('rejected-profile', `profile ${profile.name} permits none of the key usages asked for`);
  }
  draft.extensions.push(taken.length === permitted.length ? extension : keyUsageExtension(taken));
  const said = `key usage is ${taken.join(', ')}`;
  const differs = asked.length > 0 && !sameUsages(taken, wanted);
  return okOrChanged(
    said,
    differs ? [`${said}, not ${wanted.join(', ') || 'what this kind of key cannot serve'}`] : [],
  );
}

/** Settles the extended key usage. */
export function decideExtendedKeyUsage(draft: Draft): Verdict {
  const { profile } = draft.facts;
  const permitted = profile.profile.extendedKeyUsages;
  const value = findExtension(draft.requested.extensions, idCeExtKeyUsage)?.value;
  const asked = value === undefined ? [] : decodeExtKeyUsage(value);
  const forbidden = asked.find((id) => guarded.has(id) && !profile.template.extendedKeyUsages.includes(id));
  if (forbidden !== undefined) {
    return denied(
      powers.has(forbidden) ? 'rejected-power' : 'rejected-profile',
      `extended key usage ${extendedKeyUsageName(forbidden)} is not in template ${profile.template.name}`,
    );
  }
  const isNarrowed = profile.profile.usageSource === 'request' && asked.length > 0;
  const taken = isNarrowed ? permitted.filter((id) => asked.includes(id)) : permitted;
  if (permitted.length > 0 && taken.length === 0) {
    // Without the extension the certificate would be good for every purpose.
    return denied('rejected-profile', `profile ${profile.name} permits none of the extended key usages asked for`);
  }
  if (taken.length > 0) {
    const { extendedKeyUsage } = profile;
    const isWhole = taken.length === permitted.length && extendedKeyUsage !== undefined;
    draft.extensions.push(isWhole ? extendedKeyUsage : extendedKeyUsageExtension(taken));
  }
  const said =
    taken.length === 0
      ? 'no extended key usage'
      : `extended key usage is ${taken.map(extendedKeyUsageName).join(', ')}`;
  const differs = asked.length > 0 && !sameUsages(taken, asked);
  return differs
    ? okOrChanged(said, [`${said}, not ${asked.slice(0, 8).map(extendedKeyUsageName).join(', ')}`])
    : ok(said);
}

/** Usages that give power over others' certificates, signatures or keys: asking for one is no slip to be mended silently. */
const caUsages: ReadonlySet<KeyUsageName> = new Set(['keyCertSign', 'cRLSign']);
/** RFC 9480 2.2: those that enrollment protocols take orders from. */
const powers: ReadonlySet<string> = new Set([idKpCmcCa, idKpCmcRa, idKpCmKga]);
const guarded: ReadonlySet<string> = new Set([
  ...powers,
  idKpOcspSigning,
  idKpTimeStamping,
  idKpCodeSigning,
  anyExtendedKeyUsage,
]);

function sameUsages(a: readonly string[], b: readonly string[]): boolean {
  return a.length === new Set(b).size && b.every((usage) => a.includes(usage));
}
