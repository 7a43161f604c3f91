/** Registered values: what subject, alternative names and device must equal when a credential is used. */

import type { RegisteredValues } from '../../model/registered-values.js';
import { attributeByName } from '../../x509/attribute-types.js';
import { alternativeNameLabel, normalizeAlternativeName } from '../alternative-name.js';
import { type Denial, denied, ok, type Verdict } from '../decision.js';
import type { Draft, NamesMatter } from '../draft.js';
import type { UsedCredential } from '../identity.js';
import type { NameValue } from '../name-rule.js';
import { quote } from '../safe-text.js';
import { attributeLabel, readSubject } from '../subject-attribute.js';

/** What is asked for must be listed, and something listed must be in the certificate. Needs the names decided. */
export function checkRegisteredValues(draft: Draft): Verdict {
  const registering = registeringOf(draft);
  for (const credential of registering) {
    const denial = checkCredential(credential, draft, draft);
    if (denial !== undefined) return denial;
  }
  return ok(
    registering.length === 0 ? 'no credential has registered values' : 'names are those registered with the credential',
  );
}

/** As much of it as can be said of names alone; undefined where nothing is against them. */
export function checkAskedValues(matter: NamesMatter): Denial | undefined {
  for (const credential of registeringOf(matter)) {
    const denial = checkCredential(credential, matter, undefined);
    if (denial !== undefined) return denial;
  }
  return undefined;
}

function registeringOf({ identity }: NamesMatter): readonly UsedCredential[] {
  return identity.credentials.filter(({ registeredValues }) => registeredValues !== undefined);
}

/** @param decided the certificate's names; while there are none, nothing is missing */
function checkCredential(
  { name, registeredValues = {} }: UsedCredential,
  matter: NamesMatter,
  decided: Pick<Draft, 'subject' | 'alternativeNames'> | undefined,
): Denial | undefined {
  const { device, subject = {}, subjectAltNames } = registeredValues;
  const { facts, wishes } = matter;
  if (device !== undefined && device !== (facts.device?.name ?? facts.deviceName)) {
    return denied('rejected-name', `credential ${name} is for device ${quote(device)}`);
  }
  const foreign = device === undefined ? undefined : findForeignName(device, registeredValues, matter);
  if (foreign !== undefined) {
    return denied(
      'rejected-name',
      `${foreign.label} ${quote(foreign.text)} is not for credential ${name} of device ${quote(device ?? '')}`,
    );
  }
  const attributes = decided && readSubject(decided.subject);
  for (const [attribute, listed] of Object.entries(subject)) {
    const type = attributeByName(attribute)?.oid;
    if (type === undefined) {
      return denied(
        'rejected-name',
        `credential ${name} has values of an unknown subject attribute ${quote(attribute)}`,
      );
    }
    const problem = listProblem(
      attributeLabel(type),
      listed,
      textsOf(type, wishes.subject),
      attributes && textsOf(type, attributes),
    );
    if (problem !== undefined) return denied('rejected-name', `${problem} registered with credential ${name}`);
  }
  for (const type of ['dns', 'ip', 'email', 'uri'] as const) {
    const listed = subjectAltNames?.[type]?.map((text) => normalizeAlternativeName(type, text));
    if (listed === undefined) continue;
    const present = decided?.alternativeNames.flatMap((other) => (other.type === type ? [other.value] : []));
    const problem = listProblem(alternativeNameLabel(type), listed, textsOf(type, wishes.alternativeNames), present);
    if (problem !== undefined) return denied('rejected-name', `${problem} registered with credential ${name}`);
  }
  return undefined;
}

/**
 * A credential of one device must not get a certificate that others take for another device's. Where nothing is registered
 * for them, a common name, serial number or DNS name that is copied from the request is the device's name, or a domain
 * name that begins with it; a serial number may be an identifier as well.
 */
function findForeignName(
  device: string,
  { subject = {}, subjectAltNames, identifiers = {} }: RegisteredValues,
  { facts: { profile }, wishes }: NamesMatter,
): NameValue | undefined {
  const registered = new Set(Object.keys(subject).map((attribute) => attributeByName(attribute)?.oid));
  if (subjectAltNames?.dns !== undefined) registered.add('dns');
  const rules = [...profile.subject, ...profile.subjectAltNames];
  const isCopied = (key: string) => rules.some((rule) => rule.key === key && rule.source.from === 'request');
  return [...wishes.subject, ...wishes.alternativeNames].find(({ key, text }) => {
    if (!naming.has(key) || registered.has(key) || !isCopied(key)) return false;
    if (key === serialNumber && Object.values(identifiers).includes(text)) return false;
    const [wanted, own] = [text.toLowerCase(), device.toLowerCase()];
    return wanted !== own && !wanted.startsWith(`${own}.`);
  });
}

const serialNumber = '2.5.4.5';
const naming: ReadonlySet<string> = new Set(['2.5.4.3', serialNumber, 'dns']);

function listProblem(
  label: string,
  listed: readonly string[],
  asked: readonly string[],
  present: readonly string[] | undefined,
): string | undefined {
  const other = asked.find((text) => !listed.includes(text));
  if (other !== undefined) return `${label} ${quote(other)} is not`;
  if (present === undefined) return undefined;
  return present.some((text) => listed.includes(text)) ? undefined : `${label} must be one of those`;
}

function textsOf(key: string, names: readonly NameValue[]): string[] {
  return names.filter((name) => name.key === key).map(({ text }) => text);
}
