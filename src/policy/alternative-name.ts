/** Subject alternative names: their syntax, and how GeneralNames are read as text that rules can match. */
import type { SubjectAltNameType } from '../model/certificate-template.js';
import { isStringTag, readString } from '../x509/character-strings.js';
import { DerReader } from '../x509/der.js';
import { utf8String } from '../x509/der-writer.js';
import { decodeGeneralNames, type GeneralName } from '../x509/general-names.js';
import { formatIpAddress, parseIpAddress } from '../x509/ip-address.js';
import { formatName } from '../x509/names.js';
import type { NameValue } from './name-rule.js';
import { hasUnsafeCharacters } from './safe-text.js';
import { encodedProblem, readSubject } from './subject-attribute.js';

export interface AlternativeName extends NameValue {
  readonly name: GeneralName;
}

/** The names of a DER GeneralNames, in order. @throws DerError */
export function readAlternativeNames(der: Uint8Array): AlternativeName[] {
  return decodeGeneralNames(der).map(readAlternativeName);
}

/** The key of the rules for a type; other names have one for each kind. */
export function alternativeNameKey(type: SubjectAltNameType, typeId?: string): string {
  return typeId === undefined ? type : `${type}:${typeId}`;
}

/** What messages call a name with this key. */
export function alternativeNameLabel(key: string): string {
  return `subject alternative name ${key}`;
}

/** The usual form: DNS names in lower case, IP addresses canonical; what is no such name is left as it is. */
export function normalizeAlternativeName(type: SubjectAltNameType, text: string): string {
  if (type === 'dns') return text.toLowerCase();
  if (type !== 'ip') return text;
  const octets = parseIpAddress(text);
  return octets === undefined ? text : formatIpAddress(octets);
}

/** What is wrong with a name in its usual form, to stand after it; undefined if nothing (RFC 5280 4.2.1.6). */
export function alternativeNameProblem(
  type: SubjectAltNameType,
  text: string,
  mayBeWildcard: boolean,
): string | undefined {
  switch (type) {
    case 'dns':
      return dnsProblem(text, mayBeWildcard);
    case 'ip':
      return parseIpAddress(text) === undefined ? 'is no IP address' : undefined;
    case 'email':
      return text.length <= 254 && mailbox.test(text) ? undefined : 'is no mailbox such as name@example.com';
    case 'uri':
      return uriProblem(text);
    case 'directoryName':
    case 'registeredId':
    case 'otherName':
      if (text === '') return 'is empty';
      return text.length > 1024 || hasUnsafeCharacters(text) ? 'is too long or has control characters' : undefined;
  }
}

/** The GeneralName of a value that came as text. @throws RangeError for a type that has no text form */
export function alternativeNameOf(type: SubjectAltNameType, text: string, typeId?: string): GeneralName {
  if (type === 'otherName' && typeId !== undefined) return { type, typeId, value: utf8String(text) };
  if (type === 'otherName' || type === 'directoryName') throw new RangeError(`no text form of ${type}`);
  return { type, value: text };
}

function readAlternativeName(name: GeneralName): AlternativeName {
  switch (name.type) {
    case 'directoryName':
      return { ...named(name, 'directoryName', formatName(name.value)), ...directoryNameProblem(name.value) };
    case 'otherName':
      return { ...named(name, alternativeNameKey('otherName', name.typeId), ''), ...otherNameText(name.value) };
    case 'other':
      return { ...named(name, 'other', `of tag ${name.tag}`), problem: 'is of a type that no profile takes' };
    default:
      return named(name, name.type, normalizeAlternativeName(name.type, name.value));
  }
}

function named(name: GeneralName, key: string, text: string): AlternativeName {
  return { key, label: alternativeNameLabel(key), text, name };
}

/** The text of a character string; for any other value `#` and the hex of its DER, as RFC 4514 writes it. */
function otherNameText(der: Uint8Array): Pick<NameValue, 'text' | 'isBinary'> {
  return DerReader.decode(der, (r) => {
    if (r.tag !== undefined && isStringTag(r.tag)) return { text: readString(r).value };
    return { text: `#${Buffer.from(r.element()).toString('hex')}`, isBinary: true };
  });
}

/** RFC 1034 3.5 and RFC 5280 4.2.1.6: letters, digits, hyphens; no final dot. */
function dnsProblem(text: string, mayBeWildcard: boolean): string | undefined {
  const isWildcard = text.startsWith('*.');
  if (isWildcard && !mayBeWildcard) return 'is a wildcard, which the profile does not take';
  const host = isWildcard ? text.slice(2) : text;
  if (text.length > 253 || !hostName.test(host)) return 'is no DNS name';
  // A last label of digits makes it an IP address to those who verify it.
  return finalDigits.test(host) ? 'is no DNS name but looks like an IP address' : undefined;
}

/** RFC 5280 4.2.1.6: absolute; what follows two slashes is the name or the address of a host. */
function uriProblem(text: string): string | undefined {
  if (text.length > 2048 || !absoluteUri.test(text)) return 'is no absolute URI';
  const authority = /^[^:]+:\/\/([^/?#]*)/.exec(text)?.[1];
  if (authority === undefined) return undefined;
  const [, address, host = ''] = /^(?:[^@]*@)?(?:\[([^\]]*)\]|([^@:[\]]*))(?::\d*)?$/.exec(authority) ?? [];
  if (parseIpAddress(address ?? host) !== undefined) return undefined;
  return dnsProblem(host.toLowerCase(), false) === undefined ? undefined : 'is a URI without a host name or IP address';
}

/** RFC 5280 4.2.1.6: encoded as issuers and subjects are. It comes as it was sent, so that this has to be seen here. */
function directoryNameProblem(der: Uint8Array): Pick<NameValue, 'problem'> {
  const attributes = readSubject(der);
  const problem = attributes.map(encodedProblem).find((found) => found !== undefined);
  if (problem !== undefined) return { problem };
  return attributes.length === 0 ? { problem: 'is empty' } : {};
}

const hostName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const finalDigits = /(?:^|\.)[0-9]+$/;
const mailbox =
  /^(?=.{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
const absoluteUri = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
