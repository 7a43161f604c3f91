import { constants, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  bits,
  caKey,
  caName,
  deviceKey,
  extension,
  type ForgedCertificate,
  forgeCertificate,
  forgedKey,
  integer,
  keyIdentifier,
  name,
  point,
  sequence,
  tag,
  utcTime,
} from './forge.js';
import { faultsOfCertificate } from './rfc5280-certificate.js';
import { certificateRules as rules, sharedRules as shared } from './rfc5280-rules.js';
import { asn1, asn1Oid } from './strict-asn1.js';

const sha256 = sequence(asn1Oid('2.16.840.1.101.3.4.2.1'), asn1(5));
const sha384 = sequence(asn1Oid('2.16.840.1.101.3.4.2.2'), asn1(5));
const rsa = forgedPair(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const isTrue = asn1(tag.boolean, Uint8Array.of(0xff));
const root = forgeCertificate({ kind: 'root', ...constraints(isTrue) });
const rsaRoot = forgeCertificate({ kind: 'root', spki: rsa.spki, ...rsaSignature(sequence(oid('1.11'), asn1(5))) });

function forgedPair({ privateKey, publicKey }: ReturnType<typeof generateKeyPairSync>) {
  return forgedKey(privateKey, publicKey);
}

/** An OID of PKCS #1. */
function oid(rest: string): Buffer {
  return asn1Oid(`1.2.840.113549.1.${rest}`);
}

function rsaSignature(algorithm: Buffer): ForgedCertificate {
  const authorityKey = extension('2.5.29.35', sequence(asn1(0x80, keyIdentifier(rsa.spki))));
  return { algorithm, signer: rsa.privateKey, extensions: { authorityKey } };
}

function pss(saltLength: number, maskHash: Buffer = sha256): Buffer {
  const mask = sequence(oid('1.8'), maskHash);
  return sequence(oid('1.10'), sequence(asn1(0xa0, sha256), asn1(0xa1, mask), asn1(0xa2, integer(saltLength))));
}

const pssPadding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
function withExtension(id: string, value: Buffer, critical: boolean | 'false' = false): ForgedCertificate {
  return { extensions: { added: extension(id, value, critical) } };
}

function alternativeName(value: Buffer): ForgedCertificate {
  return { extensions: { alternativeNames: extension('2.5.29.17', sequence(value)) } };
}

function points(...values: readonly Buffer[]): ForgedCertificate {
  return { extensions: { points: extension('2.5.29.31', sequence(...values)) } };
}

function access(method: string, url: string): ForgedCertificate {
  const description = sequence(asn1Oid(method), asn1(0x86, url));
  return { extensions: { access: extension('1.3.6.1.5.5.7.1.1', sequence(description)) } };
}

function usage(octet: number, unused?: number): ForgedCertificate {
  return { extensions: { keyUsage: extension('2.5.29.15', bits(octet, unused), true) } };
}

function purposes(critical: boolean, ...ids: readonly string[]): ForgedCertificate {
  const value = sequence(...ids.map((id) => asn1Oid(id)));
  return { extensions: { purposes: extension('2.5.29.37', value, critical) } };
}

function constraints(...content: readonly Buffer[]): ForgedCertificate {
  return { extensions: { constraints: extension('2.5.29.19', sequence(...content), true) } };
}

function nameConstraints(...content: readonly Buffer[]): ForgedCertificate {
  return { kind: 'ca', ...withExtension('2.5.29.30', sequence(...content), true) };
}

function permitted(base: Buffer, ...more: readonly Buffer[]): ForgedCertificate {
  return nameConstraints(asn1(0xa0, sequence(base, ...more)));
}

function policies(...values: readonly Buffer[]): ForgedCertificate {
  return withExtension('2.5.29.32', sequence(...values));
}

const policy = asn1Oid('1.3.6.1.4.1.99999.1');
const cps = (text: string) => sequence(asn1Oid('1.3.6.1.5.5.7.2.1'), asn1(tag.ia5, text));
const noPurposes = { purposes: undefined };
const authority = (...parts: readonly Buffer[]) => ({
  extensions: { authorityKey: extension('2.5.29.35', sequence(...parts)) },
});
const authorityKeyId = asn1(0x80, keyIdentifier(caKey.spki));

/** What is forged, and what is wrong with it. Whatever is not said is right. */
const rows: readonly (readonly [fault: string, forged: ForgedCertificate & { readonly under?: Buffer }])[] = [
  [shared.der, { serialNumber: integer(0, 1) }],
  [shared.der, { version: asn1(0xa0, Buffer.of(2, 0x81, 1, 2)) }],
  [shared.der, { subject: sequence(asn1(tag.set, ...[2, 1].map((n) => sequence(asn1Oid('2.5.4.3'), integer(n))))) }],
  [shared.der, withExtension('2.5.29.54', Buffer.of(5, 0, 0))],
  [shared.der, usage(0x81, 7)],
  [shared.der, withExtension('2.5.29.36', sequence(integer(1)), true)],
  [shared.der, { unique: asn1(0xa4) }],
  [shared.algorithmsDiffer, { innerAlgorithm: sequence(asn1Oid('1.2.840.10045.4.3.3')) }],
  [shared.unknownAlgorithm, { algorithm: sequence(asn1Oid('1.2.840.10045.4.1')) }],
  [shared.nullParameters, { ...rsaSignature(sequence(oid('1.11'))), under: rsaRoot }],
  [shared.absentParameters, { algorithm: sequence(asn1Oid('1.2.840.10045.4.3.2'), asn1(5)) }],
  [shared.pssParameters, { ...rsaSignature(pss(20)), padding: pssPadding, under: rsaRoot }],
  [shared.pssParameters, { ...rsaSignature(pss(32, sha384)), padding: pssPadding, under: rsaRoot }],
  [shared.pssParameters, { ...rsaSignature(sequence(oid('1.10'))), under: rsaRoot }],
  [shared.signature, { signer: deviceKey.privateKey }],
  [shared.signature, { ...rsaSignature(pss(32)), under: rsaRoot }],
  [shared.emptyIssuer, { issuer: sequence(), under: forgeCertificate({ kind: 'root', subject: sequence() }) }],
  [shared.emptyRdn, { subject: sequence(asn1(tag.set)) }],
  [shared.stringType, { subject: name('device', 0x14) }],
  [shared.stringType, { subject: name('DE', tag.utf8, '2.5.4.6') }],
  [shared.stringType, { subject: name('a@b.example', tag.utf8, '1.2.840.113549.1.9.1') }],
  [shared.stringCharacters, { subject: name('a@b', tag.printable) }],
  [
    shared.stringCharacters,
    { subject: sequence(asn1(tag.set, sequence(asn1Oid('2.5.4.3'), asn1(tag.utf8, Buffer.of(0xff))))) },
  ],
  [shared.stringLength, { subject: name('') }],
  [shared.stringLength, { subject: name('ä'.repeat(65)) }],
  [shared.country, { subject: name('DEU', tag.printable, '2.5.4.6') }],
  [shared.utcTime, { notAfter: asn1(tag.generalizedTime, '20491231235959Z') }],
  [shared.timeForm, { notAfter: utcTime('3601010000Z') }],
  [shared.timeForm, { notAfter: utcTime('360231000000Z') }],
  [shared.timeForm, { notAfter: asn1(tag.generalizedTime, '20560101000000.5Z') }],
  [shared.extensionTwice, { extensions: { more: extension('2.5.29.37', sequence(asn1Oid('1.3.6.1.5.5.7.3.2'))) } }],
  [shared.defaultWritten, withExtension('1.2.3.4', asn1(5), 'false')],
  [shared.defaultWritten, constraints(asn1(tag.boolean, Uint8Array.of(0)))],
  [shared.unknownCritical, withExtension('1.2.3.4', asn1(5), true)],
  [shared.mustBeCritical, { extensions: { keyUsage: extension('2.5.29.15', bits(0x80)) } }],
  [shared.mustNotBeCritical, { extensions: { authorityKey: extension('2.5.29.35', sequence(authorityKeyId), true) } }],
  [shared.authorityKey, { extensions: { authorityKey: undefined } }],
  [shared.authorityKey, authority()],
  [shared.authorityKeyPair, authority(authorityKeyId, asn1(0x82, Uint8Array.of(1)))],
  [shared.authorityKeyDiffers, authority(asn1(0x80, 'another key'))],
  [shared.generalNameForm, alternativeName(asn1(0xa5, asn1(tag.utf8, 'x')))],
  [shared.otherName, alternativeName(asn1(0xa0, asn1Oid('1.2.3'), asn1(tag.utf8, 'x')))],
  [shared.emailForm, alternativeName(asn1(0x81, 'Device <a@b.example>'))],
  [shared.dnsForm, alternativeName(asn1(0x82, ' '))],
  [shared.dnsForm, alternativeName(asn1(0x82, 'a_b.example'))],
  [shared.dnsForm, alternativeName(asn1(0x82, 'a.*.example'))],
  [shared.uriForm, alternativeName(asn1(0x86, '/devices/7'))],
  [shared.uriForm, alternativeName(asn1(0x86, 'https:///devices/7'))],
  [shared.uriForm, alternativeName(asn1(0x86, 'https://a_b.example/'))],
  [shared.uriForm, alternativeName(asn1(0x86, 'https://[::/'))],
  [shared.addressForm, alternativeName(asn1(0x87, '12345'))],
  [shared.registeredForm, alternativeName(asn1(0x88, Uint8Array.of(0x80)))],
  [shared.emptyPoints, points()],
  [shared.pointWithoutPlace, points(sequence(asn1(0x81, Uint8Array.of(1, 0x7e))))],
  [shared.pointReasons, points(point('http://ca.example/0.crl', asn1(0x81, Uint8Array.of(1, 0x7e))))],
  [shared.pointRelative, points(sequence(asn1(0xa0, asn1(0xa1, sequence(asn1Oid('2.5.4.3'), asn1(tag.utf8, 'x'))))))],
  [shared.pointScheme, points(point('https://ca.example/0.crl'))],
  [shared.pointScheme, points(point('http:///0.crl'))],
  [shared.pointScheme, withExtension('2.5.29.46', sequence(point('ftp://ca.example/0-delta.crl')))],
  [shared.emptyAccess, { extensions: { access: extension('1.3.6.1.5.5.7.1.1', sequence()) } }],
  [shared.accessMethod, access('1.3.6.1.5.5.7.48.5', 'http://ca.example/')],
  [shared.accessScheme, access('1.3.6.1.5.5.7.48.1', 'https://ca.example/ocsp')],
  [shared.issuerName, { issuer: name('CA', tag.printable) }],
  [rules.version, { version: Buffer.alloc(0) }],
  [rules.version, { version: asn1(0xa0, integer(1)) }],
  [rules.serialNotPositive, { serialNumber: integer(0) }],
  [rules.serialNotPositive, { serialNumber: integer(0x80) }],
  [rules.serialTooLong, { serialNumber: integer(0, ...new Array(20).fill(0x80)) }],
  [rules.validity, { notAfter: utcTime('251231235959Z') }],
  [rules.emptySubject, { kind: 'ca', subject: sequence() }],
  [rules.namelessSubject, { subject: sequence(), extensions: { alternativeNames: undefined } }],
  [rules.uniqueIdentifiers, { unique: asn1(0x82, Uint8Array.of(0, 1)) }],
  [rules.keyParameters, { spki: sequence(sequence(asn1Oid('1.2.840.10045.2.1'), asn1Oid('1.3.132.0.10')), bits(4)) }],
  [rules.keyParameters, { spki: sequence(sequence(oid('1.1')), asn1(tag.bits, Buffer.of(0), rsaKeyOf(3))) }],
  [rules.keyForm, { spki: sequence(sequence(oid('1.1'), asn1(5)), asn1(tag.bits, Buffer.of(0), rsaKeyOf(4))) }],
  [rules.keyForm, { spki: sequence(sequence(asn1Oid('1.3.101.112')), asn1(tag.bits, Buffer.alloc(34))) }],
  [rules.unknownKey, { spki: sequence(sequence(asn1Oid('1.2.840.10040.4.1')), bits(4)) }],
  [rules.selfSigned, { kind: 'root', issuer: name('Another CA') }],
  [rules.subjectKey, { extensions: { subjectKey: undefined } }],
  [rules.subjectKeyDiffers, { extensions: { subjectKey: extension('2.5.29.14', asn1(tag.octets, 'another key')) } }],
  [rules.noKeyUsage, { extensions: { keyUsage: undefined } }],
  [rules.emptyKeyUsage, { extensions: { ...usage(0).extensions, ...noPurposes } }],
  [rules.usageTrailing, usage(0x80, 0)],
  [rules.usageOfKey, usage(0xa0)],
  [rules.usageQualifier, usage(0x81)],
  [rules.certSignWithoutCa, usage(0x84)],
  [rules.caWithoutCertSign, { kind: 'ca', ...usage(0x02) }],
  [rules.caWithoutCrlSign, { kind: 'ca', ...usage(0x04) }],
  [rules.emptyPolicies, policies()],
  [rules.policyTwice, policies(sequence(policy), sequence(policy))],
  [rules.policyQualifier, policies(sequence(policy, sequence()))],
  [rules.policyQualifier, policies(sequence(policy, sequence(cps('not a uri'))))],
  [rules.policyMappings, withExtension('2.5.29.33', sequence(sequence(policy, policy)), true)],
  [rules.policyMappings, { kind: 'ca', ...withExtension('2.5.29.33', sequence(), true) }],
  [rules.emptyAltName, { extensions: { alternativeNames: extension('2.5.29.17', sequence()) } }],
  [rules.altNameCritical, { subject: sequence() }],
  [
    rules.altNameCritical,
    { extensions: { alternativeNames: extension('2.5.29.17', sequence(asn1(0x82, 'a.example')), true) } },
  ],
  [rules.directoryAttributes, withExtension('2.5.29.9', sequence())],
  [rules.caWithoutConstraints, { kind: 'ca', extensions: { constraints: undefined } }],
  [rules.caWithoutConstraints, { kind: 'ca', ...constraints() }],
  [rules.constraintsNotCritical, { kind: 'ca', extensions: { constraints: extension('2.5.29.19', sequence(isTrue)) } }],
  [rules.unexpectedCa, { ...constraints(isTrue) }],
  [rules.pathLengthWithoutCa, constraints(integer(0))],
  [rules.pathLengthNegative, { kind: 'ca', ...constraints(isTrue, integer(0xff)) }],
  [rules.constraintsOfNoCa, { ...permitted(asn1(0x82, 'example')), kind: 'end-entity' }],
  [
    shared.mustBeCritical,
    { kind: 'ca', ...withExtension('2.5.29.30', sequence(asn1(0xa0, sequence(asn1(0x82, 'a'))))) },
  ],
  [rules.constraintsEmpty, nameConstraints()],
  [rules.constraintsEmpty, nameConstraints(asn1(0xa0))],
  [rules.constraintDistance, permitted(asn1(0x82, 'example'), asn1(0x80, Uint8Array.of(1)))],
  [rules.constraintForm, permitted(asn1(0x82, '.example'))],
  [rules.constraintForm, permitted(asn1(0x86, 'https://host.example'))],
  [rules.constraintForm, permitted(asn1(0x87, Uint8Array.of(10, 0, 0, 1)))],
  [rules.constraintForm, permitted(asn1(0x87, Uint8Array.of(10, 0, 0, 0, 255, 0, 255, 0)))],
  [rules.policyConstraints, withExtension('2.5.29.36', sequence(asn1(0x80, Uint8Array.of(0))), true)],
  [rules.policyConstraints, { kind: 'ca', ...withExtension('2.5.29.36', sequence(), true) }],
  [rules.emptyPurposes, purposes(false)],
  [rules.purposeTwice, purposes(false, '1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.2')],
  [rules.anyPurposeCritical, purposes(true, '2.5.29.37.0')],
  [rules.purposeUsage, usage(0x40)],
  [rules.timeStamping, purposes(false, '1.3.6.1.5.5.7.3.8')],
  [rules.inhibitAnyPolicy, withExtension('2.5.29.54', integer(0), true)],
  [rules.inhibitAnyPolicy, { kind: 'ca', ...withExtension('2.5.29.54', integer(0xff), true) }],
  [
    rules.subjectAccessScheme,
    { kind: 'ca', ...withExtension('1.3.6.1.5.5.7.1.11', sequence(sequence(policy, asn1(0x86, 'ldap://x')))) },
  ],
  [rules.issuerNoCa, { under: forgeCertificate({ kind: 'root', ...constraints() }) }],
  [rules.issuerNoCertSign, { under: forgeCertificate({ kind: 'root', ...usage(0x02) }) }],
  [rules.issuerPathLength, { kind: 'ca', under: forgeCertificate({ kind: 'root' }) }],
  [rules.responderPurpose, { kind: 'ocsp-responder', ...purposes(false, '1.3.6.1.5.5.7.3.2') }],
  [rules.responderUsage, { kind: 'ocsp-responder', ...usage(0x88) }],
  [rules.noCheck, { kind: 'ocsp-responder', extensions: { noCheck: undefined } }],
  [rules.noCheck, { kind: 'ocsp-responder', extensions: { noCheck: extension('1.3.6.1.5.5.7.48.1.5', sequence()) } }],
  [rules.responderLocations, { kind: 'ocsp-responder', ...points(point('http://ca.example/0.crl')) }],
  [rules.delegatedUnasked, purposes(false, '1.3.6.1.5.5.7.3.9')],
  [rules.delegatedUnasked, withExtension('1.3.6.1.5.5.7.48.1.5', asn1(5))],
];

/** An RSAPublicKey with this exponent. */
function rsaKeyOf(exponent: number): Buffer {
  return sequence(integer(0x40, ...new Array(255).fill(1)), integer(exponent));
}

function withoutDetail(fault: string): string {
  return fault.replace(/ \([^()]*\)$/, '');
}

describe('The RFC 5280 check of certificates', () => {
  it.each(rows.map(([fault, forged], i) => ({ fault, forged, i })))('$i finds: $fault', ({ fault, forged }) => {
    const { under = root, ...changes } = forged;
    const kind = changes.kind ?? 'end-entity';
    const faults = faultsOfCertificate(forgeCertificate(changes), { issuer: under, kind });
    expect(faults.map(withoutDetail)).toEqual([fault]);
  });

  it('has no rule that nothing here breaks', () => {
    const broken = new Set(rows.map(([fault]) => fault));
    // An empty list of extensions is without those that have to be there.
    const empty = faultsOfCertificate(forgeCertificate({ extensionList: sequence() }), { kind: 'end-entity' });
    expect(empty).toEqual([shared.noExtensions, rules.subjectKey, shared.authorityKey, rules.noKeyUsage]);
    const unbroken = Object.values({ ...shared, ...rules }).filter((rule) => !broken.has(rule));
    expect(unbroken).toEqual([shared.noExtensions]);
  });

  it.each(['root', 'ca', 'end-entity', 'ocsp-responder'] as const)(
    'finds nothing wrong with a good one: %s',
    (kind) => {
      expect(faultsOfCertificate(forgeCertificate({ kind }), { issuer: root, kind })).toEqual([]);
    },
  );

  it.each<readonly [string, ForgedCertificate]>([
    ['a time from 2050 on', { notAfter: asn1(tag.generalizedTime, '20560101000000Z') }],
    ['no subject and a critical alternative name', emptySubject()],
    ['constraints of each form', nameConstraints(asn1(0xa0, ...constraintBases()), asn1(0xa1, ...constraintBases()))],
    ['a CPS URI', policies(sequence(policy, sequence(cps('http://ca.example/cps'))))],
    ['a time stamp', purposes(true, '1.3.6.1.5.5.7.3.8')],
  ])('finds nothing wrong with %s', (_, forged) => {
    const kind = forged.kind ?? 'end-entity';
    expect(faultsOfCertificate(forgeCertificate(forged), { issuer: root, kind })).toEqual([]);
  });

  it.each<readonly [string, ForgedCertificate]>([
    ['PKCS #1 v1.5', rsaSignature(sequence(oid('1.11'), asn1(5)))],
    ['PSS', { ...rsaSignature(pss(32)), padding: pssPadding }],
  ])('takes signatures of RSA keys by %s', (_, forged) => {
    expect(faultsOfCertificate(forgeCertificate(forged), { issuer: rsaRoot, kind: 'end-entity' })).toEqual([]);
  });
});

function emptySubject(): ForgedCertificate {
  const alternativeNames = extension('2.5.29.17', sequence(asn1(0x82, '*.example.com')), true);
  return { subject: sequence(), extensions: { alternativeNames } };
}

function constraintBases(): Buffer[] {
  return [
    asn1(0x81, '.example.com'),
    asn1(0x82, 'example.com'),
    asn1(0x86, '.example.com'),
    asn1(0xa4, caName),
    asn1(0x87, Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0)),
  ].map((base) => sequence(base));
}
