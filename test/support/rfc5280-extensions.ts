/** The extensions of certificates (RFC 5280 4.2): their form, whether they are critical, and what each allows. */
import {
  checkInhibitAnyPolicy,
  checkPolicies,
  checkPolicyConstraints,
  checkPolicyMappings,
} from './rfc5280-policies.js';
import { type Report, certificateRules as rules, sharedRules } from './rfc5280-rules.js';
import {
  checkAccess,
  checkAuthorityKey,
  checkCriticality,
  checkDistributionPoints,
  checkGeneralName,
  checkName,
  isHostName,
  isHttpUri,
  type ReadExtension,
} from './rfc5280-values.js';
import { type Asn1, createCursor, dottedOf, integerOf, MalformedError, namedBitsOf } from './strict-asn1.js';

/** What the extensions of a certificate say that other rules need. */
export interface ExtensionFacts {
  readonly ids: ReadonlySet<string>;
  readonly isCa: boolean;
  readonly pathLength?: bigint;
  /** Numbers of bits; absent without the extension. */
  readonly keyUsage?: ReadonlySet<number>;
  readonly purposes: readonly string[];
  readonly subjectKey?: Buffer;
  readonly authorityKey?: Buffer;
  /** URIs of cRLDistributionPoints. */
  readonly crls: readonly string[];
}

export const keyUsageBit = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
  encipherOnly: 7,
  decipherOnly: 8,
} as const;

export const idOcspSigning = '1.3.6.1.5.5.7.3.9';
export const idOcspNoCheck = '1.3.6.1.5.5.7.48.1.5';

/** Checks each extension for itself. @throws MalformedError */
export function checkExtensions(extensions: readonly ReadExtension[], report: Report): ExtensionFacts {
  const facts: { -readonly [Key in keyof ExtensionFacts]: ExtensionFacts[Key] } = {
    ids: new Set(extensions.map(({ id }) => id)),
    isCa: false,
    purposes: [],
    crls: [],
  };
  for (const extension of extensions) {
    const { id, value, critical } = extension;
    const known = extensionRules.get(id);
    if (known === undefined) {
      if (critical) report(sharedRules.unknownCritical, id);
      continue;
    }
    checkCriticality(extension, known.critical, report);
    Object.assign(facts, known.check(value, report, critical));
  }
  return facts;
}

type Check = (value: Asn1, report: Report, critical: boolean) => Partial<ExtensionFacts> | undefined;

interface ExtensionRule {
  /** Undefined where either is right, or it depends on more than the extension. */
  readonly critical: boolean | undefined;
  readonly check: Check;
}

const extensionRules: ReadonlyMap<string, ExtensionRule> = new Map<string, ExtensionRule>([
  ['2.5.29.9', { critical: false, check: checkDirectoryAttributes }],
  ['2.5.29.14', { critical: false, check: checkSubjectKey }],
  ['2.5.29.15', { critical: true, check: checkKeyUsage }],
  ['2.5.29.17', { critical: undefined, check: checkAlternativeNames }],
  ['2.5.29.18', { critical: false, check: checkAlternativeNames }],
  ['2.5.29.19', { critical: undefined, check: checkBasicConstraints }],
  ['2.5.29.30', { critical: true, check: checkNameConstraints }],
  ['2.5.29.31', { critical: false, check: (value, report) => ({ crls: checkDistributionPoints(value, report) }) }],
  ['2.5.29.32', { critical: undefined, check: checkPolicies }],
  ['2.5.29.33', { critical: true, check: checkPolicyMappings }],
  ['2.5.29.35', { critical: false, check: checkAuthority }],
  ['2.5.29.36', { critical: true, check: checkPolicyConstraints }],
  ['2.5.29.37', { critical: undefined, check: checkPurposes }],
  ['2.5.29.46', { critical: false, check: withoutFacts(checkDistributionPoints) }],
  ['2.5.29.54', { critical: true, check: checkInhibitAnyPolicy }],
  ['1.3.6.1.5.5.7.1.1', { critical: false, check: withoutFacts(checkIssuerAccess) }],
  ['1.3.6.1.5.5.7.1.11', { critical: false, check: checkSubjectAccess }],
  [idOcspNoCheck, { critical: false, check: checkNoCheck }],
]);

function withoutFacts(check: (value: Asn1, report: Report) => unknown): Check {
  return (value, report) => {
    check(value, report);
    return undefined;
  };
}

function checkIssuerAccess(value: Asn1, report: Report): void {
  checkAccess(value, ['1.3.6.1.5.5.7.48.1', '1.3.6.1.5.5.7.48.2'], report);
}

function checkSubjectAccess({ parts }: Asn1, report: Report): undefined {
  if (parts.length === 0) report(sharedRules.emptyAccess);
  for (const { parts: description } of parts) {
    const [, location] = description;
    if (location === undefined || !isHttpUri(location)) report(rules.subjectAccessScheme);
  }
}

function checkDirectoryAttributes({ parts }: Asn1, report: Report): undefined {
  if (parts.length === 0) report(rules.directoryAttributes);
}

function checkSubjectKey({ tag, content }: Asn1): Partial<ExtensionFacts> {
  if (tag !== 0x04) throw new MalformedError('no KeyIdentifier');
  return { subjectKey: content };
}

function checkAuthority(value: Asn1, report: Report): Partial<ExtensionFacts> {
  const authorityKey = checkAuthorityKey(value, report);
  return authorityKey === undefined ? {} : { authorityKey };
}

function checkKeyUsage({ tag, content }: Asn1, report: Report): Partial<ExtensionFacts> {
  if (tag !== 0x03) throw new MalformedError('no KeyUsage');
  const bits = new Set(namedBitsOf(content));
  if (bits.size === 0) report(rules.emptyKeyUsage);
  else if (Math.max(...bits) !== (content.length - 1) * 8 - (content[0] ?? 0) - 1) report(rules.usageTrailing);
  const isQualified = bits.has(keyUsageBit.encipherOnly) || bits.has(keyUsageBit.decipherOnly);
  if (isQualified && !bits.has(keyUsageBit.keyAgreement)) report(rules.usageQualifier);
  return { keyUsage: bits };
}

function checkAlternativeNames({ tag, parts }: Asn1, report: Report): undefined {
  if (tag !== 0x30) throw new MalformedError('no GeneralNames');
  if (parts.length === 0) report(rules.emptyAltName);
  for (const name of parts) checkGeneralName(name, report);
}

function checkBasicConstraints(value: Asn1, report: Report, critical: boolean): Partial<ExtensionFacts> {
  const cursor = createCursor(value);
  const flag = cursor.take(0x01);
  if (flag?.content[0] === 0) report(sharedRules.defaultWritten, 'cA');
  const length = cursor.take(0x02);
  cursor.end();
  const isCa = flag?.content[0] === 0xff;
  if (isCa && !critical) report(rules.constraintsNotCritical);
  if (length === undefined) return { isCa };
  const pathLength = integerOf(length);
  if (!isCa) report(rules.pathLengthWithoutCa);
  if (pathLength < 0n) report(rules.pathLengthNegative);
  return { isCa, pathLength };
}

function checkNameConstraints(value: Asn1, report: Report): undefined {
  const cursor = createCursor(value);
  const lists = [cursor.take(0xa0), cursor.take(0xa1)].filter((list) => list !== undefined);
  cursor.end();
  if (lists.length === 0 || lists.some(({ parts }) => parts.length === 0)) report(rules.constraintsEmpty);
  for (const { parts } of lists.flatMap((list) => list.parts)) {
    const [base, ...distances] = parts;
    if (base === undefined) throw new MalformedError('no GeneralSubtree');
    if (distances.length > 0) report(rules.constraintDistance);
    if (!isConstraint(base, report)) report(rules.constraintForm, base.tag.toString(16));
  }
}

/** Whether it is the base of a subtree: hosts and domains rather than whole names, and blocks of addresses. */
function isConstraint({ tag, content, parts }: Asn1, report: Report): boolean {
  const text = content.toString('latin1');
  switch (tag) {
    case 0x81:
      return isHostName(text.replace(/^([^@\s]+@|\.)/, ''));
    case 0x82:
      return text === '' || isHostName(text);
    case 0x86:
      return isHostName(text.replace(/^\./, ''));
    case 0xa4:
      return parts[0] !== undefined && parts.length === 1 && [checkName(parts[0], report)].length > 0;
    case 0x87: {
      const mask = [...content.subarray(content.length / 2)]
        .map((octet) => octet.toString(2).padStart(8, '0'))
        .join('');
      return (content.length === 8 || content.length === 32) && /^1*0*$/.test(mask);
    }
    default:
      return tag === 0xa0 || tag === 0x88;
  }
}

function checkPurposes({ parts }: Asn1, report: Report, critical: boolean): Partial<ExtensionFacts> {
  const purposes = parts.map(({ content }) => dottedOf(content));
  if (purposes.length === 0) report(rules.emptyPurposes);
  if (new Set(purposes).size < purposes.length) report(rules.purposeTwice);
  if (critical && purposes.includes(anyPurpose)) report(rules.anyPurposeCritical);
  if (purposes.includes(timeStamping) && !(critical && purposes.length === 1)) report(rules.timeStamping);
  return { purposes };
}

function checkNoCheck({ tag, content }: Asn1, report: Report): undefined {
  if (tag !== 0x05 || content.length > 0) report(rules.noCheck);
}

const anyPurpose = '2.5.29.37.0';
const timeStamping = '1.3.6.1.5.5.7.3.8';
