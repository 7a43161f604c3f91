/**
 * Checks a certificate field by field against RFC 5280 4 and what it builds on. Written against the RFCs with a reader of its own:
 * none of the gateway's own decoders or encoders has a part in it.
 */
import {
  keyUsageBit as bit,
  checkExtensions,
  type ExtensionFacts,
  idOcspNoCheck,
  idOcspSigning,
} from './rfc5280-extensions.js';
import { checkPublicKey, checkSignatureAlgorithm, isSignedBy, type KeyKind, type PublicKey } from './rfc5280-keys.js';
import { collectFaults, type Report, certificateRules as rules, sharedRules } from './rfc5280-rules.js';
import { checkName, checkTime, readExtensions } from './rfc5280-values.js';
import { type Asn1, createCursor, integerOf, MalformedError, readDer } from './strict-asn1.js';

/** `ca`: any CA that has an issuer above it; `end-entity`: all others but responders. */
export type CertificateKind = 'root' | 'ca' | 'end-entity' | 'ocsp-responder';

interface Question {
  /** DER certificate of the issuer, if the certificate is to be checked against it; a root's is itself. */
  readonly issuer?: Uint8Array;
  readonly kind: CertificateKind;
}

/** All that is wrong with a certificate, DER: the rules that it breaks, each with its section; none if it is as it should be. */
export function faultsOfCertificate(der: Uint8Array, { issuer, kind }: Question): string[] {
  return collectFaults((report) => {
    try {
      const certificate = readCertificate(readDer(der), report);
      checkFields(certificate, kind, report);
      const above = kind === 'root' ? der : issuer;
      if (above !== undefined) checkIssuer(certificate, readIssuer(above), kind, report);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      report(sharedRules.der, error.message);
    }
  });
}

export interface ReadCertificate {
  /** What is signed. */
  readonly signed: Buffer;
  readonly algorithm: Asn1;
  readonly signature: Buffer;
  readonly issuer: Asn1;
  readonly subject: Asn1;
  readonly spki: Asn1;
  readonly key: PublicKey;
  readonly extensions: ExtensionFacts;
  readonly alternativeNameCritical: boolean | undefined;
}

/** Reads the certificate of an issuer, which is checked by itself. @throws MalformedError */
export function readIssuer(der: Uint8Array): ReadCertificate {
  return readCertificate(readDer(der), () => undefined);
}

/** Reads a certificate, and checks each field for itself. @throws MalformedError */
function readCertificate(certificate: Asn1, report: Report): ReadCertificate {
  const outer = createCursor(certificate);
  const tbs = outer.need('TBSCertificate', 0x30);
  const algorithm = outer.need('signatureAlgorithm', 0x30);
  const signature = outer.need('signature', 0x03).content.subarray(1);
  outer.end();

  const fields = createCursor(tbs);
  const version = fields.take(0xa0)?.parts[0];
  if (version === undefined || integerOf(version) !== 2n) report(rules.version);
  checkSerialNumber(fields.need('serialNumber', 0x02), report);
  const inner = fields.need('signature algorithm', 0x30);
  if (!inner.der.equals(algorithm.der)) report(sharedRules.algorithmsDiffer);
  checkSignatureAlgorithm(algorithm, report);
  const issuer = fields.need('issuer', 0x30);
  if (!checkName(issuer, report)) report(sharedRules.emptyIssuer);
  const [begin, end] = readTimes(fields.need('validity', 0x30), report);
  if (begin && end && end < begin) report(rules.validity);
  const subject = fields.need('subject', 0x30);
  checkName(subject, report);
  const spki = fields.need('subjectPublicKeyInfo', 0x30);
  const key = checkPublicKey(spki, report);
  const unique = [fields.take(0x81), fields.take(0x82)];
  if (unique.some((identifier) => identifier !== undefined)) report(rules.uniqueIdentifiers);
  const list = fields.take(0xa3)?.parts[0];
  fields.end();
  const extensions = list === undefined ? [] : readExtensions(list, report);
  return {
    signed: tbs.der,
    algorithm,
    signature,
    issuer,
    subject,
    spki,
    key,
    extensions: checkExtensions(extensions, report),
    alternativeNameCritical: extensions.find(({ id }) => id === '2.5.29.17')?.critical,
  };
}

function checkSerialNumber(serialNumber: Asn1, report: Report): void {
  if (integerOf(serialNumber) <= 0n) report(rules.serialNotPositive);
  if (serialNumber.content.length > 20) report(rules.serialTooLong);
}

function readTimes(validity: Asn1, report: Report): (Date | undefined)[] {
  const cursor = createCursor(validity);
  const times = ['notBefore', 'notAfter'].map((name) => checkTime(cursor.need(name, 0x17, 0x18), report));
  cursor.end();
  return times;
}

/** The rules about several fields together. */
function checkFields(certificate: ReadCertificate, kind: CertificateKind, report: Report): void {
  const { subject, key, extensions, alternativeNameCritical } = certificate;
  const isEmpty = subject.parts.length === 0;
  const isCa = kind === 'root' || kind === 'ca';
  if (isEmpty && isCa) report(rules.emptySubject);
  else if (isEmpty && alternativeNameCritical === undefined) report(rules.namelessSubject);
  if (alternativeNameCritical !== undefined && alternativeNameCritical !== isEmpty) report(rules.altNameCritical);
  if (extensions.subjectKey === undefined) report(rules.subjectKey);
  else if (!extensions.subjectKey.equals(key.identifier)) report(rules.subjectKeyDiffers);
  if (!extensions.ids.has('2.5.29.35') && kind !== 'root') report(sharedRules.authorityKey);
  checkUsages(extensions, key.kind, report);
  if (isCa) checkCa(extensions, report);
  else checkEndEntity(extensions, report);
  checkResponder(extensions, kind, report);
}

function checkUsages({ isCa, keyUsage, purposes }: ExtensionFacts, kind: KeyKind | undefined, report: Report): void {
  if (keyUsage === undefined) {
    report(rules.noKeyUsage);
    return;
  }
  if (kind !== undefined && [...keyUsage].some((usage) => unfitUsages[kind].includes(usage))) report(rules.usageOfKey);
  // Those of a CA are limits for what it issues.
  for (const purpose of isCa ? [] : purposes) {
    const consistent = usagesOfPurposes.get(purpose);
    if (consistent && !consistent.some((usage) => keyUsage.has(usage))) report(rules.purposeUsage, purpose);
  }
}

function checkCa({ isCa, keyUsage }: ExtensionFacts, report: Report): void {
  if (!isCa) report(rules.caWithoutConstraints);
  if (keyUsage === undefined) return;
  if (!keyUsage.has(bit.keyCertSign)) report(rules.caWithoutCertSign);
  if (!keyUsage.has(bit.cRLSign)) report(rules.caWithoutCrlSign);
}

function checkEndEntity({ isCa, keyUsage, ids }: ExtensionFacts, report: Report): void {
  if (isCa) report(rules.unexpectedCa);
  else if (keyUsage?.has(bit.keyCertSign)) report(rules.certSignWithoutCa);
  if (ids.has('2.5.29.30')) report(rules.constraintsOfNoCa);
  if (ids.has('2.5.29.33')) report(rules.policyMappings);
  if (ids.has('2.5.29.36')) report(rules.policyConstraints);
  if (ids.has('2.5.29.54')) report(rules.inhibitAnyPolicy);
}

/** RFC 6960 4.2.2.2; nobody else may be delegated by mistake. */
function checkResponder({ purposes, keyUsage, ids }: ExtensionFacts, kind: CertificateKind, report: Report): void {
  if (kind !== 'ocsp-responder') {
    if (purposes.includes(idOcspSigning) || ids.has(idOcspNoCheck)) report(rules.delegatedUnasked);
    return;
  }
  if (!purposes.includes(idOcspSigning)) report(rules.responderPurpose);
  const isForMore = [...(keyUsage ?? [])].some(
    (usage) => usage !== bit.digitalSignature && usage !== bit.nonRepudiation,
  );
  if (isForMore) report(rules.responderUsage);
  if (!ids.has(idOcspNoCheck)) report(rules.noCheck);
  else if (ids.has('2.5.29.31') || ids.has('1.3.6.1.5.5.7.1.1')) report(rules.responderLocations);
}

function checkIssuer(
  certificate: ReadCertificate,
  issuer: ReadCertificate,
  kind: CertificateKind,
  report: Report,
): void {
  const { signed, algorithm, signature, extensions } = certificate;
  const above = issuer.extensions;
  if (!certificate.issuer.der.equals(issuer.subject.der))
    report(kind === 'root' ? rules.selfSigned : sharedRules.issuerName);
  if (extensions.authorityKey && above.subjectKey && !extensions.authorityKey.equals(above.subjectKey)) {
    report(sharedRules.authorityKeyDiffers);
  }
  if (isSignedBy(issuer.spki.der, algorithm, { signed, signature }) === false) report(sharedRules.signature);
  if (kind === 'root') return;
  if (!above.isCa) report(rules.issuerNoCa);
  else if (!above.keyUsage?.has(bit.keyCertSign)) report(rules.issuerNoCertSign);
  const isSelfIssued = certificate.subject.der.equals(certificate.issuer.der);
  if (kind === 'ca' && above.pathLength === 0n && !isSelfIssued) report(rules.issuerPathLength);
}

/** RFC 3279 2.3.1, RFC 4055 1.2, RFC 8813 3, RFC 8410 5 */
const unfitUsages: Readonly<Record<KeyKind, readonly number[]>> = {
  rsa: [bit.keyAgreement],
  'rsa-pss': [bit.keyEncipherment, bit.dataEncipherment, bit.keyAgreement],
  ec: [bit.keyEncipherment, bit.dataEncipherment],
  edwards: [bit.keyEncipherment, bit.dataEncipherment, bit.keyAgreement],
  montgomery: [bit.digitalSignature, bit.nonRepudiation, bit.keyEncipherment, bit.dataEncipherment, bit.keyCertSign],
};

/** 4.2.1.12: the key usages that each purpose may be consistent with. */
const usagesOfPurposes: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ['1.3.6.1.5.5.7.3.1', [bit.digitalSignature, bit.keyEncipherment, bit.keyAgreement]],
  ['1.3.6.1.5.5.7.3.2', [bit.digitalSignature, bit.keyAgreement]],
  ['1.3.6.1.5.5.7.3.3', [bit.digitalSignature]],
  ['1.3.6.1.5.5.7.3.4', [bit.digitalSignature, bit.nonRepudiation, bit.keyEncipherment, bit.keyAgreement]],
  ['1.3.6.1.5.5.7.3.8', [bit.digitalSignature, bit.nonRepudiation]],
  [idOcspSigning, [bit.digitalSignature, bit.nonRepudiation]],
]);
