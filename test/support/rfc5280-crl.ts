/** Checks CRLs, and what they have to do with one another and with certificates, against RFC 5280 5; likewise by a reader of its own. */
import { type ReadCertificate, readIssuer } from './rfc5280-certificate.js';
import { keyUsageBit } from './rfc5280-extensions.js';
import { checkSignatureAlgorithm, isSignedBy } from './rfc5280-keys.js';
import { collectFaults, type Report, crlRules as rules, sharedRules } from './rfc5280-rules.js';
import {
  checkAccess,
  checkAuthorityKey,
  checkCriticality,
  checkDistributionPoints,
  checkName,
  checkPointName,
  checkTime,
  type ReadExtension,
  readExtension,
  readExtensions,
} from './rfc5280-values.js';
import { type Asn1, createCursor, integerOf, MalformedError, readDer } from './strict-asn1.js';

/** All that is wrong with a CRL, DER, full or delta, of this issuer (DER certificate); none if it is as it should be. */
export function faultsOfCrl(der: Uint8Array, { issuer }: { readonly issuer: Uint8Array }): string[] {
  return collected((report) => checkIssuer(readCrl(der, report), readIssuer(issuer), report));
}

/** Whether a delta can be combined with a full CRL (5.2.4, 6.3.3 (c)); each is to be checked by itself as well. */
export function faultsOfDelta(delta: Uint8Array, base: Uint8Array): string[] {
  return collected((report) => {
    const [changes, whole] = [readCrl(delta, unreported), readCrl(base, unreported)];
    if (!changes.issuer.der.equals(whole.issuer.der)) report(rules.deltaIssuer);
    if (!equal(changes.scope?.value.der, whole.scope?.value.der)) report(rules.deltaScope);
    if (!equal(changes.authorityKey, whole.authorityKey)) report(rules.deltaKey);
    if (whole.baseNumber !== undefined) report(rules.baseIsDelta);
    if (changes.baseNumber === undefined) report(rules.deltaIsFull);
    else if ((whole.number ?? 0n) < changes.baseNumber) report(rules.deltaBase);
    if ((changes.number ?? 0n) < (whole.number ?? 0n)) report(rules.deltaNumber);
    if (changes.thisUpdate && whole.thisUpdate && changes.thisUpdate < whole.thisUpdate) report(rules.deltaTime);
  });
}

/** Whether a CRL is one that a certificate (both DER) points to (6.3.3 (b)). */
export function faultsOfScope(crl: Uint8Array, certificate: Uint8Array): string[] {
  return collected((report) => {
    const { issuer, scope } = readCrl(crl, unreported);
    const asked = readIssuer(certificate);
    if (!issuer.der.equals(asked.issuer.der)) report(rules.otherIssuer);
    if (scope === undefined) return;
    const { urls, onlyUsers, onlyCas } = readScope(scope.value, unreported);
    const isNamed = urls.length === 0 || urls.some((url) => asked.extensions.crls.includes(url));
    if (!isNamed) report(rules.outOfScope);
    if (asked.extensions.isCa ? onlyUsers : onlyCas) report(rules.userCertsOnly);
  });
}

interface ReadCrl {
  readonly signed: Buffer;
  readonly algorithm: Asn1;
  readonly signature: Buffer;
  readonly issuer: Asn1;
  readonly thisUpdate: Date | undefined;
  readonly number: bigint | undefined;
  /** Of a delta. */
  readonly baseNumber: bigint | undefined;
  readonly authorityKey: Buffer | undefined;
  /** issuingDistributionPoint */
  readonly scope: ReadExtension | undefined;
}

function collected(check: (report: Report) => void): string[] {
  return collectFaults((report) => {
    try {
      check(report);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      report(sharedRules.der, error.message);
    }
  });
}

function unreported(): void {}

function equal(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

/** Reads a CRL, and checks each field for itself. @throws MalformedError */
function readCrl(der: Uint8Array, report: Report): ReadCrl {
  const outer = createCursor(readDer(der));
  const tbs = outer.need('TBSCertList', 0x30);
  const algorithm = outer.need('signatureAlgorithm', 0x30);
  const signature = outer.need('signature', 0x03).content.subarray(1);
  outer.end();

  const fields = createCursor(tbs);
  const version = fields.take(0x02);
  if (version === undefined || integerOf(version) !== 1n) report(rules.version);
  if (!fields.need('signature algorithm', 0x30).der.equals(algorithm.der)) report(sharedRules.algorithmsDiffer);
  checkSignatureAlgorithm(algorithm, report);
  const issuer = fields.need('issuer', 0x30);
  if (!checkName(issuer, report)) report(sharedRules.emptyIssuer);
  const thisUpdate = checkTime(fields.need('thisUpdate', 0x17, 0x18), report);
  const next = fields.take(0x17, 0x18);
  if (next === undefined) report(rules.noNextUpdate);
  const nextUpdate = next && checkTime(next, report);
  if (thisUpdate && nextUpdate && nextUpdate <= thisUpdate) report(rules.nextUpdate);
  const entries = fields.take(0x30);
  const list = fields.take(0xa0)?.parts[0];
  fields.end();
  if (list === undefined) report(rules.noExtensionsAtAll);
  const extensions = checkListExtensions(list === undefined ? [] : readExtensions(list, report), report);
  if (list !== undefined) checkMissing(extensions, report);
  if (entries !== undefined) checkEntries(entries, extensions.baseNumber !== undefined, report);
  return { signed: tbs.der, algorithm, signature, issuer, thisUpdate, ...extensions };
}

function checkMissing(extensions: ListExtensions, report: Report): void {
  if (!extensions.ids.has('2.5.29.35')) report(rules.noAuthorityKey);
  if (!extensions.ids.has('2.5.29.20')) report(rules.noNumber);
}

interface ListExtensions extends Pick<ReadCrl, 'number' | 'baseNumber' | 'authorityKey' | 'scope'> {
  readonly ids: ReadonlySet<string>;
}

function checkListExtensions(extensions: readonly ReadExtension[], report: Report): ListExtensions {
  for (const extension of extensions) {
    const must = criticality.get(extension.id);
    if (must !== undefined) checkCriticality(extension, must, report);
    else if (extension.critical) report(sharedRules.unknownCritical, extension.id);
  }
  const find = (id: string) => extensions.find((extension) => extension.id === id);
  const authority = find('2.5.29.35');
  const number = readNumber(find('2.5.29.20'), report);
  const baseNumber = readNumber(find('2.5.29.27'), report);
  if (number !== undefined && baseNumber !== undefined && baseNumber > number) report(rules.baseNumber);
  const scope = find('2.5.29.28');
  if (scope !== undefined) readScope(scope.value, report);
  const freshest = find('2.5.29.46');
  if (freshest !== undefined) checkDistributionPoints(freshest.value, report);
  if (freshest !== undefined && baseNumber !== undefined) report(rules.freshestInDelta);
  const access = find('1.3.6.1.5.5.7.1.1');
  if (access !== undefined) checkAccess(access.value, ['1.3.6.1.5.5.7.48.2'], report);
  return {
    ids: new Set(extensions.map(({ id }) => id)),
    authorityKey: authority && checkAuthorityKey(authority.value, report),
    number,
    baseNumber,
    scope,
  };
}

const criticality: ReadonlyMap<string, boolean> = new Map([
  ['2.5.29.18', false],
  ['2.5.29.20', false],
  ['2.5.29.27', true],
  ['2.5.29.28', true],
  ['2.5.29.35', false],
  ['2.5.29.46', false],
  ['1.3.6.1.5.5.7.1.1', false],
]);

function readNumber(extension: ReadExtension | undefined, report: Report): bigint | undefined {
  if (extension === undefined) return undefined;
  const { value } = extension;
  if (value.tag !== 0x02) throw new MalformedError('no CRLNumber');
  if (integerOf(value) < 0n || value.content.length > 20) report(rules.number);
  return integerOf(value);
}

interface Scope {
  readonly urls: readonly string[];
  readonly onlyUsers: boolean;
  readonly onlyCas: boolean;
}

function readScope(value: Asn1, report: Report): Scope {
  if (value.parts.length === 0) report(rules.emptyScope);
  const cursor = createCursor(value);
  const place = cursor.take(0xa0);
  const [users, cas] = [cursor.take(0x81), cursor.take(0x82)];
  const [reasons, indirect] = [cursor.take(0x83), cursor.take(0x84)];
  const attributes = cursor.take(0x85);
  cursor.end();
  const flags = [users, cas, indirect, attributes].filter((flag) => flag !== undefined);
  if (flags.some(({ content }) => content[0] === 0)) report(sharedRules.defaultWritten, 'issuingDistributionPoint');
  if ([users, cas, attributes].filter((flag) => flag !== undefined).length > 1) report(rules.scopeTwice);
  if (reasons !== undefined || indirect !== undefined) report(rules.scopeUnprocessed);
  const urls = place === undefined ? [] : checkPointName(place, report);
  return { urls, onlyUsers: users !== undefined, onlyCas: cas !== undefined };
}

function checkEntries({ parts }: Asn1, isDelta: boolean, report: Report): void {
  if (parts.length === 0) report(rules.emptyList);
  const serialNumbers = parts.map((entry) => {
    const cursor = createCursor(entry);
    const serialNumber = cursor.need('userCertificate', 0x02);
    if (integerOf(serialNumber) <= 0n || serialNumber.content.length > 20) report(rules.entrySerial);
    checkTime(cursor.need('revocationDate', 0x17, 0x18), report);
    const extensions = cursor.take(0x30);
    cursor.end();
    if (extensions !== undefined) checkEntryExtensions(extensions, isDelta, report);
    return serialNumber.content.toString('hex');
  });
  if (new Set(serialNumbers).size < serialNumbers.length) report(rules.entryTwice);
}

function checkEntryExtensions({ parts }: Asn1, isDelta: boolean, report: Report): void {
  if (parts.length === 0) report(rules.noEntryExtensions);
  const extensions = parts.map((part) => readExtension(part, report));
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length) report(rules.entryExtensionTwice);
  for (const { id, critical, value } of extensions) {
    if (id === '2.5.29.29') report(rules.certificateIssuer);
    else if (critical || !['2.5.29.21', '2.5.29.24'].includes(id)) report(rules.entryExtension, id);
    else if (id === '2.5.29.21') checkReason(value, isDelta, report);
    else if (value.tag !== 0x18 || !/^\d{14}Z$/.test(value.content.toString('latin1'))) report(rules.invalidityDate);
  }
}

function checkReason(value: Asn1, isDelta: boolean, report: Report): void {
  const reason = value.tag === 0x0a ? Number(integerOf(value)) : -1;
  if (reason < 0 || reason > 10 || reason === 7) report(rules.reasonUnknown);
  else if (reason === 0) report(rules.reasonUnspecified);
  else if (reason === 8 && !isDelta) report(rules.removeFromFull);
}

function checkIssuer(crl: ReadCrl, issuer: ReadCertificate, report: Report): void {
  const { signed, algorithm, signature, authorityKey } = crl;
  if (!crl.issuer.der.equals(issuer.subject.der)) report(sharedRules.issuerName);
  const { subjectKey, keyUsage } = issuer.extensions;
  if (authorityKey && subjectKey && !authorityKey.equals(subjectKey)) report(sharedRules.authorityKeyDiffers);
  if (isSignedBy(issuer.spki.der, algorithm, { signed, signature }) === false) report(sharedRules.signature);
  if (keyUsage !== undefined && !keyUsage.has(keyUsageBit.cRLSign)) report(rules.issuerNoCrlSign);
}
