/**
 * Name constraints (RFC 5280 4.2.1.10, RFC 9549 for internationalised names, which are compared as A-labels).
 * Stricter than the RFC where a name could slip through: the subject's emailAddress is always checked, a wildcard DNS name that
 * could stand for an excluded host is excluded, and a name that cannot be read under a constraint of its form is refused.
 */

import { DerError, DerReader, Tag } from './der.js';
import { sequence } from './der-writer.js';
import type { GeneralName } from './general-names.js';
import { parseIpAddress } from './ip-address.js';
import { decodeName, nameKey } from './names.js';

type NameForm = GeneralName['type'];

/** One GeneralSubtree. `covers` is undefined for a form, or a distance, that is not processed here: no name of that form passes. */
interface Subtree {
  readonly form: NameForm;
  readonly covers: ((name: GeneralName, asExcluded: boolean) => boolean) | undefined;
}

export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}

/** Decodes the value of the extension. @throws DerError also for empty lists, and for addresses that are no CIDR block */
export function decodeNameConstraints(der: Uint8Array): NameConstraints {
  return DerReader.decode(der, (r) =>
    r.sequence((c) => {
      const permitted = readSubtrees(c, Tag.context(0));
      const excluded = readSubtrees(c, Tag.context(1));
      if (!permitted && !excluded) throw new DerError('empty name constraints', 0);
      return { permitted: permitted ?? [], excluded: excluded ?? [] };
    }),
  );
}

/** All names of a certificate that constraints apply to: its subject, the subject's emailAddress, its subjectAltNames. */
export function constrainedNames(subject: Uint8Array, subjectAltNames: readonly GeneralName[]): readonly GeneralName[] {
  const attributes = decodeName(subject).flat();
  if (attributes.length === 0) return subjectAltNames;
  const emails = attributes.filter((a) => a.type === idEmailAddress);
  return [
    { type: 'directoryName', value: subject },
    ...emails.map(({ value }): GeneralName => ({ type: 'email', value })),
    ...subjectAltNames,
  ];
}

/**
 * Checks names against the constraints of every certificate above: each must permit them (which is the intersection that
 * RFC 5280 6.1.4 g asks for), none may exclude them. Returns what is wrong, undefined when nothing is.
 */
export function checkNameConstraints(
  names: readonly GeneralName[],
  constraints: readonly NameConstraints[],
): string | undefined {
  for (const { permitted, excluded } of constraints) {
    if (names.length * (permitted.length + excluded.length) > maximumComparisons) return 'too many names to compare';
    for (const name of names) {
      const problem = checkName(constrainedForm(name), permitted, excluded);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function checkName(name: GeneralName, permitted: readonly Subtree[], excluded: readonly Subtree[]): string | undefined {
  const sameForm = (subtree: Subtree) => subtree.form === name.type;
  const permittedHere = permitted.filter(sameForm);
  const excludedHere = excluded.filter(sameForm);
  if (permittedHere.length === 0 && excludedHere.length === 0) return undefined;
  if (!isReadable(name)) return `a ${name.type} name cannot be compared with the constraint on its form`;
  if (excludedHere.some(({ covers }) => covers === undefined || covers(name, true))) {
    return `a ${name.type} name is in an excluded subtree`;
  }
  if (permittedHere.length > 0 && !permittedHere.some(({ covers }) => covers?.(name, false))) {
    return `a ${name.type} name is in no permitted subtree`;
  }
  return undefined;
}

/** RFC 9598 section 6: constraints on rfc822Name apply to an SmtpUTF8Mailbox as well. */
function constrainedForm(name: GeneralName): GeneralName {
  if (name.type !== 'otherName' || name.typeId !== idOnSmtpUtf8Mailbox) return name;
  const mailbox = DerReader.decode(name.value, (r) => r.content(Tag.utf8String));
  return { type: 'email', value: Buffer.from(mailbox).toString('utf8') };
}

function readSubtrees(reader: DerReader, tag: number): Subtree[] | undefined {
  if (reader.tag !== tag) return undefined;
  const subtrees = reader.each(tag, readSubtree);
  if (subtrees.length === 0) throw new DerError('empty list of subtrees', reader.offset);
  return subtrees;
}

function readSubtree(reader: DerReader): Subtree {
  return reader.sequence((s) => {
    const subtree = readBase(s);
    const minimum = s.optional(Tag.contextPrimitive(0), (m) => m.smallInteger(Tag.contextPrimitive(0))) ?? 0;
    const maximum = s.optional(Tag.contextPrimitive(1), (m) => m.smallInteger(Tag.contextPrimitive(1)));
    return minimum === 0 && maximum === undefined ? subtree : { form: subtree.form, covers: undefined };
  });
}

function readBase(reader: DerReader): Subtree {
  switch (reader.tag) {
    case Tag.contextPrimitive(1):
      return { form: 'email', covers: emailCovers(readIa5(reader, 1)) };
    case Tag.contextPrimitive(2):
      return { form: 'dns', covers: dnsCovers(readIa5(reader, 2)) };
    case Tag.context(4):
      return { form: 'directoryName', covers: directoryCovers(reader.inside(Tag.context(4), (n) => n.element())) };
    case Tag.contextPrimitive(6):
      return { form: 'uri', covers: uriCovers(readIa5(reader, 6)) };
    case Tag.contextPrimitive(7):
      return { form: 'ip', covers: ipCovers(reader.content(Tag.contextPrimitive(7))) };
    case Tag.contextPrimitive(8):
      reader.element();
      return { form: 'registeredId', covers: undefined };
    case Tag.context(0):
      reader.element();
      return { form: 'otherName', covers: undefined };
    default:
      reader.element();
      return { form: 'other', covers: undefined };
  }
}

function readIa5(reader: DerReader, number: number): string {
  const content = reader.content(Tag.contextPrimitive(number));
  if (content.some((octet) => octet > 0x7f)) throw new DerError('no IA5String', reader.offset);
  return Buffer.from(content).toString('latin1');
}

function isReadable(name: GeneralName): boolean {
  if (name.type === 'dns') return hostPattern.test(name.value.startsWith('*.') ? name.value.slice(2) : name.value);
  if (name.type === 'email') return splitMailbox(name.value) !== undefined;
  if (name.type === 'uri') return uriHost(name.value) !== undefined;
  return true;
}

/** Any number of labels before the constraint; a leading dot, which the RFC does not know here, asks for at least one. */
function dnsCovers(constraint: string): Subtree['covers'] {
  const base = readHostConstraint(constraint);
  const suffix = base.startsWith('.') ? base : `.${base}`;
  const parent = base.slice(base.indexOf('.') + 1);
  return (name, asExcluded) => {
    if (name.type !== 'dns') return false;
    const host = name.value.toLowerCase();
    if (base === '' || host === base || host.endsWith(suffix)) return true;
    return asExcluded && base.includes('.') && host === `*.${parent}`;
  };
}

/** A mailbox, a host, or (with a leading dot) every host of a domain. Local parts are compared exactly, hosts without case. */
function emailCovers(constraint: string): Subtree['covers'] {
  const mailbox = splitMailbox(constraint);
  const base = mailbox ? mailbox.host : readHostConstraint(constraint);
  return (name) => {
    const found = name.type === 'email' ? splitMailbox(name.value) : undefined;
    if (found === undefined || (mailbox && found.local !== mailbox.local)) return false;
    return hostCovers(base, found.host);
  };
}

function uriCovers(constraint: string): Subtree['covers'] {
  const base = readHostConstraint(constraint);
  return (name) => {
    const host = name.type === 'uri' ? uriHost(name.value) : undefined;
    return host !== undefined && hostCovers(base, host);
  };
}

/** The rule of rfc822Name and URI: exactly this host, or with a leading dot every host below; empty means all. */
function hostCovers(base: string, host: string): boolean {
  return base === '' || (base.startsWith('.') ? host.endsWith(base) : host === base);
}

/** A constraint that no host could match would exclude nothing: refused. */
function readHostConstraint(constraint: string): string {
  const base = constraint.toLowerCase();
  if (base === '' || hostPattern.test(base.startsWith('.') ? base.slice(1) : base)) return base;
  throw new DerError('malformed host in constraint', 0);
}

function directoryCovers(base: Uint8Array): Subtree['covers'] {
  const depth = splitName(base).length;
  const baseKey = nameKey(base);
  return (name) => {
    if (name.type !== 'directoryName') return false;
    const rdns = splitName(name.value);
    return rdns.length >= depth && nameKey(sequence(...rdns.slice(0, depth))) === baseKey;
  };
}

function splitName(name: Uint8Array): Uint8Array[] {
  return DerReader.decode(name, (r) => r.each(Tag.sequence, (n) => n.element()));
}

function ipCovers(base: Uint8Array): Subtree['covers'] {
  const length = base.length / 2;
  const mask = base.subarray(length);
  if ((length !== 4 && length !== 16) || !isPrefixMask(mask)) throw new DerError('malformed address constraint', 0);
  return (name) => {
    const address = name.type === 'ip' ? parseIpAddress(name.value) : undefined;
    if (address?.length !== length) return false;
    return address.every((octet, i) => (octet & (mask[i] ?? 0)) === ((base[i] ?? 0) & (mask[i] ?? 0)));
  };
}

function isPrefixMask(mask: Uint8Array): boolean {
  return /^1*0*$/.test([...mask].map((octet) => octet.toString(2).padStart(8, '0')).join(''));
}

function splitMailbox(text: string): { readonly local: string; readonly host: string } | undefined {
  // The last one: a quoted local part may contain another.
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  const host = text.slice(at + 1).toLowerCase();
  return at > 0 && localPartPattern.test(local) && hostPattern.test(host) ? { local, host } : undefined;
}

/** The host of a URI's authority when it is a domain name: addresses and URIs without authority have none (4.2.1.10). */
function uriHost(uri: string): string | undefined {
  // A backslash ends the authority for some readers and not for others.
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\\]*)(?:[/?#]|$)/i.exec(uri)?.[1];
  if (authority === undefined) return undefined;
  const host = authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase();
  return hostPattern.test(host) && !addressPattern.test(host) ? host : undefined;
}

const hostPattern = /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i;
// PKCS #9 emailAddress (RFC 5280 4.1.2.6), RFC 9598 3.
const idEmailAddress = '1.2.840.113549.1.9.1';
const idOnSmtpUtf8Mailbox = '1.3.6.1.5.5.7.8.9';
// RFC 5321 4.1.2, without its rules for dots.
const localPartPattern = /^(?:"(?:[^"\\]|\\.)*"|[^\s@"]+)$/;
// A number as the last label makes it an IPv4 address, in one of its spellings.
const addressPattern = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i;
// Hundreds of names under hundreds of subtrees: more than any real hierarchy has.
const maximumComparisons = 2 ** 16;
