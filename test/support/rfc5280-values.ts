/** What RFC 5280 says of names, times and lists of extensions, wherever they stand. */
import { isIP } from 'node:net';
import { type Report, sharedRules as rules } from './rfc5280-rules.js';
import { type Asn1, createCursor, dottedOf, MalformedError, readDer } from './strict-asn1.js';

export interface ReadExtension {
  readonly id: string;
  readonly critical: boolean;
  /** What the OCTET STRING holds. */
  readonly value: Asn1;
}

/** Reads Extensions; none twice (4.2). @throws MalformedError */
export function readExtensions(list: Asn1, report: Report): readonly ReadExtension[] {
  if (list.parts.length === 0) report(rules.noExtensions);
  const extensions = list.parts.map((part) => readExtension(part, report));
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length) report(rules.extensionTwice);
  return extensions;
}

/** Reads one Extension. @throws MalformedError */
export function readExtension(part: Asn1, report: Report): ReadExtension {
  const cursor = createCursor(part);
  const id = dottedOf(cursor.need('extnID', 0x06).content);
  const flag = cursor.take(0x01);
  if (flag?.content[0] === 0) report(rules.defaultWritten, `critical of ${id}`);
  const { content } = cursor.need('extnValue', 0x04);
  cursor.end();
  return { id, critical: flag?.content[0] === 0xff, value: readDer(content) };
}

/** Checks a Name; returns whether it has attributes. @throws MalformedError */
export function checkName({ tag, parts }: Asn1, report: Report): boolean {
  if (tag !== 0x30) throw new MalformedError('no Name');
  for (const rdn of parts) {
    if (rdn.tag !== 0x31) throw new MalformedError('no RelativeDistinguishedName');
    if (rdn.parts.length === 0) report(rules.emptyRdn);
    for (const attribute of rdn.parts) checkAttribute(attribute, report);
  }
  return parts.length > 0;
}

/** Checks a Time of the year that it has to be written in; undefined for one that is not a date. @throws MalformedError */
export function checkTime({ tag, content }: Asn1, report: Report): Date | undefined {
  const text = content.toString('latin1');
  const digits = tag === 0x17 ? /^\d{12}Z$/ : /^\d{14}Z$/;
  if (!digits.test(text)) {
    report(rules.timeForm, text);
    return undefined;
  }
  const short = Number(text.slice(0, 2));
  const century = tag === 0x18 ? '' : short >= 50 ? '19' : '20';
  const [, year = '', ...others] = /^(....)(..)(..)(..)(..)(..)Z$/.exec(`${century}${text}`) ?? [];
  const [month = '', day = '', hour = '', minute = '', second = ''] = others;
  if (tag === 0x18 && Number(year) < 2050) report(rules.utcTime, text);
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (!Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${year}-${month}-${day}T${hour}`)) return date;
  report(rules.timeForm, text);
  return undefined;
}

/** Checks a GeneralName (4.2.1.6). @throws MalformedError */
export function checkGeneralName(name: Asn1, report: Report): void {
  const text = name.content.toString('latin1');
  switch (name.tag) {
    case 0xa0: {
      const [type, value, ...more] = name.parts;
      const isTyped = type?.tag === 0x06 && value?.tag === 0xa0 && value.parts.length === 1;
      if (!isTyped || more.length > 0) report(rules.otherName);
      return;
    }
    case 0x81:
      if (!mailbox.test(text)) report(rules.emailForm, text);
      return;
    case 0x82:
      if (!isHostName(text.replace(/^\*\./, ''))) report(rules.dnsForm, text);
      return;
    case 0xa4:
      if (name.parts[0] === undefined || name.parts.length > 1) throw new MalformedError('no directoryName');
      checkName(name.parts[0], report);
      return;
    case 0x86:
      if (!isAbsoluteUri(text)) report(rules.uriForm, text);
      return;
    case 0x87:
      if (name.content.length !== 4 && name.content.length !== 16) report(rules.addressForm);
      return;
    case 0x88:
      if (name.content.length === 0 || (name.content.at(-1) ?? 0x80) >= 0x80) report(rules.registeredForm);
      return;
    default:
      report(rules.generalNameForm, name.tag.toString(16));
  }
}

/** RFC 1034 3.5 as RFC 1123 2.1 has it. */
export function isHostName(text: string): boolean {
  const labels = text.split('.');
  return text.length <= 253 && labels.every((label) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(label));
}

/** An http URI of which clients can get something. */
export function isHttpUri({ tag, content }: Asn1): boolean {
  const text = content.toString('latin1');
  return tag === 0x86 && text.startsWith('http://') && isAbsoluteUri(text);
}

/** Checks DistributionPoints (4.2.1.13); returns their URIs. @throws MalformedError */
export function checkDistributionPoints(list: Asn1, report: Report): string[] {
  if (list.parts.length === 0) report(rules.emptyPoints);
  return list.parts.flatMap((point) => {
    const cursor = createCursor(point);
    const place = cursor.take(0xa0);
    const isPartial = [cursor.take(0x81), cursor.take(0xa2)].some((part) => part !== undefined);
    cursor.end();
    if (place === undefined) report(rules.pointWithoutPlace);
    else if (isPartial) report(rules.pointReasons);
    return place === undefined ? [] : checkPointName(place, report);
  });
}

/** Checks a DistributionPointName in its explicit tag; returns its URIs. @throws MalformedError */
export function checkPointName({ parts: [names, ...more] }: Asn1, report: Report): string[] {
  if (names === undefined || more.length > 0) throw new MalformedError('no DistributionPointName');
  if (names.tag !== 0xa0) {
    report(rules.pointRelative);
    return [];
  }
  if (names.parts.length === 0 || !names.parts.every(isHttpUri)) report(rules.pointScheme);
  return names.parts.map(({ content }) => content.toString('latin1'));
}

/** Checks AccessDescriptions of these methods (4.2.2.1). @throws MalformedError */
export function checkAccess(list: Asn1, methods: readonly string[], report: Report): void {
  if (list.parts.length === 0) report(rules.emptyAccess);
  for (const description of list.parts) {
    const cursor = createCursor(description);
    if (!methods.includes(dottedOf(cursor.need('accessMethod', 0x06).content))) report(rules.accessMethod);
    const [location, ...more] = cursor.rest();
    if (location === undefined || more.length > 0) throw new MalformedError('no accessLocation');
    if (!isHttpUri(location)) report(rules.accessScheme, location.content.toString('latin1'));
  }
}

/** Checks an AuthorityKeyIdentifier (4.2.1.1); returns the identifier. @throws MalformedError */
export function checkAuthorityKey(value: Asn1, report: Report): Buffer | undefined {
  const cursor = createCursor(value);
  const key = cursor.take(0x80);
  const issuer = cursor.take(0xa1);
  const serialNumber = cursor.take(0x82);
  cursor.end();
  if (key === undefined || key.content.length === 0) report(rules.authorityKey);
  if ((issuer === undefined) !== (serialNumber === undefined)) report(rules.authorityKeyPair);
  for (const name of issuer?.parts ?? []) checkGeneralName(name, report);
  return key?.content;
}

/** Whether an extension may be critical (4.2): undefined where that is as one likes. */
export function checkCriticality({ id, critical }: ReadExtension, must: boolean | undefined, report: Report): void {
  if (must === undefined || must === critical) return;
  report(must ? rules.mustBeCritical : rules.mustNotBeCritical, id);
}

const mailbox = /^[^@\s<>]+@[A-Za-z0-9.-]+$/;

function isAbsoluteUri(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/.test(text)) return false;
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return true;
  const [, host = ''] = /^[^:]+:\/\/(?:[^/?#@]*@)?(\[[^/?#]*\]|[^/?#:]*)(?::\d*)?(?:[/?#]|$)/.exec(text) ?? [];
  return isHostName(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

const printable = /^[A-Za-z0-9 '()+,./:=?-]*$/;
const ascii = /^[\0-\x7f]*$/;
const tags = { printable: 0x13, utf8: 0x0c, ia5: 0x16 } as const;
const directory: readonly number[] = [tags.printable, tags.utf8];

interface AttributeRule {
  readonly tags: readonly number[];
  /** In characters. */
  readonly upperBound: number;
}

/** Appendix A.1, RFC 2985, RFC 4519: string types and upper bounds. */
const attributeRules: ReadonlyMap<string, AttributeRule> = new Map([
  ['2.5.4.3', { tags: directory, upperBound: 64 }],
  ['2.5.4.4', { tags: directory, upperBound: 32_768 }],
  ['2.5.4.5', { tags: [tags.printable], upperBound: 64 }],
  ['2.5.4.6', { tags: [tags.printable], upperBound: 2 }],
  ['2.5.4.7', { tags: directory, upperBound: 128 }],
  ['2.5.4.8', { tags: directory, upperBound: 128 }],
  ['2.5.4.9', { tags: directory, upperBound: 128 }],
  ['2.5.4.10', { tags: directory, upperBound: 64 }],
  ['2.5.4.11', { tags: directory, upperBound: 64 }],
  ['2.5.4.12', { tags: directory, upperBound: 64 }],
  ['2.5.4.15', { tags: directory, upperBound: 128 }],
  ['2.5.4.17', { tags: directory, upperBound: 40 }],
  ['2.5.4.42', { tags: directory, upperBound: 32_768 }],
  ['2.5.4.43', { tags: directory, upperBound: 32_768 }],
  ['2.5.4.44', { tags: directory, upperBound: 32_768 }],
  ['2.5.4.46', { tags: [tags.printable], upperBound: Number.POSITIVE_INFINITY }],
  ['2.5.4.65', { tags: directory, upperBound: 128 }],
  ['2.5.4.97', { tags: directory, upperBound: Number.POSITIVE_INFINITY }],
  ['0.9.2342.19200300.100.1.1', { tags: directory, upperBound: 256 }],
  ['0.9.2342.19200300.100.1.25', { tags: [tags.ia5], upperBound: Number.POSITIVE_INFINITY }],
  ['1.2.840.113549.1.9.1', { tags: [tags.ia5], upperBound: 255 }],
  ['1.2.840.113549.1.9.2', { tags: [tags.ia5, ...directory], upperBound: 255 }],
  ['1.2.840.113549.1.9.8', { tags: directory, upperBound: 255 }],
]);

function checkAttribute(attribute: Asn1, report: Report): void {
  const [type, value, ...more] = attribute.parts;
  if (type?.tag !== 0x06 || value === undefined || more.length > 0) throw new MalformedError('no attribute of a name');
  const id = dottedOf(type.content);
  const rule = attributeRules.get(id);
  if (rule === undefined) return;
  if (!rule.tags.includes(value.tag)) {
    report(rules.stringType, id);
    return;
  }
  const text = value.content.toString('utf8');
  const isOfType = value.tag === tags.printable ? printable.test(text) : value.tag !== tags.ia5 || ascii.test(text);
  if (!isOfType || !Buffer.from(text).equals(value.content)) report(rules.stringCharacters, id);
  const { length } = [...text];
  if (id === countryName) {
    if (!/^[A-Za-z]{2}$/.test(text)) report(rules.country, text);
  } else if (length === 0 || length > rule.upperBound) report(rules.stringLength, id);
}

const countryName = '2.5.4.6';
