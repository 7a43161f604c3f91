import { describe, expect, it } from '@jest/globals';
import {
  authorityKey,
  bits,
  caName,
  deviceKey,
  entry,
  extension,
  type ForgedCrl,
  forgeCertificate,
  forgeCrl,
  integer,
  name,
  point,
  sequence,
  tag,
  utcTime,
} from './forge.js';
import { faultsOfCrl, faultsOfDelta, faultsOfScope } from './rfc5280-crl.js';
import { crlRules as rules, sharedRules as shared } from './rfc5280-rules.js';
import { asn1, asn1Oid } from './strict-asn1.js';

const issuer = forgeCertificate({ kind: 'root' });
const isTrue = Uint8Array.of(0xff);
const url = 'http://ca.example/0.crl';
const pointName = (text: string) => asn1(0xa0, asn1(0xa0, asn1(0x86, text)));
const reason = (code: number) => extension('2.5.29.21', asn1(tag.enumerated, Uint8Array.of(code)));
const invalidity = (text: string) => extension('2.5.29.24', asn1(tag.generalizedTime, text));

function listed(...entries: readonly Buffer[]): ForgedCrl {
  return { entries: sequence(...entries) };
}

function withEntry(...extensions: readonly Buffer[]): ForgedCrl {
  return listed(entry(integer(1), ...extensions));
}

function numbered(number: Buffer): ForgedCrl {
  return { extensions: { number: extension('2.5.29.20', number) } };
}

function scoped(...parts: readonly Uint8Array[]): ForgedCrl {
  return { extensions: { scope: extension('2.5.29.28', sequence(...parts), true) } };
}

/** A delta with number 9 against this base. */
function delta(base: number, more: ForgedCrl = {}): ForgedCrl {
  const added = { number: extension('2.5.29.20', integer(9)), base: extension('2.5.29.27', integer(base), true) };
  return { ...more, extensions: { ...added, ...more.extensions } };
}

function freshest(...parts: readonly Buffer[]): Buffer {
  return extension('2.5.29.46', sequence(...parts));
}

/** What is forged, and what is wrong with it. Whatever is not said is right. */
const rows: readonly (readonly [fault: string, forged: ForgedCrl, under?: Buffer])[] = [
  [shared.der, { version: integer(0, 1) }],
  [shared.der, numbered(asn1(tag.enumerated, Uint8Array.of(7)))],
  [shared.unknownAlgorithm, { algorithm: sequence(asn1Oid('1.2.840.10045.4.1')) }],
  [shared.signature, { signer: deviceKey.privateKey }],
  [shared.emptyIssuer, { issuer: sequence() }, forgeCertificate({ kind: 'root', subject: sequence() })],
  [shared.utcTime, { thisUpdate: asn1(tag.generalizedTime, '20260601000000Z') }],
  [shared.timeForm, { nextUpdate: utcTime('2606080000Z') }],
  [shared.utcTime, listed(sequence(integer(1), asn1(tag.generalizedTime, '20260530120000Z')))],
  [shared.extensionTwice, { extensions: { more: authorityKey } }],
  [shared.unknownCritical, { extensions: { more: extension('1.2.3.4', asn1(5), true) } }],
  [shared.mustBeCritical, { extensions: { scope: extension('2.5.29.28', sequence(pointName(url))) } }],
  [shared.mustBeCritical, delta(7, { extensions: { base: extension('2.5.29.27', integer(7)) } })],
  [shared.mustNotBeCritical, { extensions: { number: extension('2.5.29.20', integer(7), true) } }],
  [shared.authorityKey, { extensions: { authorityKey: extension('2.5.29.35', sequence()) } }],
  [shared.authorityKeyDiffers, { extensions: { authorityKey: extension('2.5.29.35', sequence(asn1(0x80, 'x'))) } }],
  [shared.issuerName, { issuer: name('CA', tag.printable) }],
  [shared.defaultWritten, scoped(pointName(url), asn1(0x81, Uint8Array.of(0)))],
  [shared.pointScheme, scoped(pointName('ldap://ca.example/cn=ca'))],
  [shared.emptyPoints, { extensions: { freshest: freshest() } }],
  [shared.pointReasons, { extensions: { freshest: freshest(point(url, asn1(0xa2, asn1(0x82, 'x')))) } }],
  [shared.accessMethod, { extensions: { access: accessTo('1.3.6.1.5.5.7.48.1', url) } }],
  [shared.accessScheme, { extensions: { access: accessTo('1.3.6.1.5.5.7.48.2', 'https://ca.example/ca.cer') } }],
  [rules.version, { version: Buffer.alloc(0) }],
  [rules.version, { version: integer(2) }],
  [rules.noNextUpdate, { nextUpdate: Buffer.alloc(0) }],
  [rules.nextUpdate, { nextUpdate: utcTime('260601000000Z') }],
  [rules.emptyList, listed()],
  [rules.entrySerial, listed(entry(integer(0)))],
  [rules.entrySerial, listed(entry(integer(0x80)))],
  [rules.entryTwice, listed(entry(integer(1)), entry(integer(2)), entry(integer(1), reason(1)))],
  [rules.noEntryExtensions, listed(sequence(integer(1), utcTime('260530120000Z'), sequence()))],
  [rules.entryExtension, withEntry(extension('1.2.3.4', asn1(5)))],
  [rules.entryExtension, withEntry(extension('2.5.29.21', asn1(tag.enumerated, Uint8Array.of(1)), true))],
  [rules.entryExtensionTwice, withEntry(reason(1), reason(4))],
  [rules.reasonUnknown, withEntry(reason(7))],
  [rules.reasonUnknown, withEntry(extension('2.5.29.21', integer(1)))],
  [rules.reasonUnspecified, withEntry(reason(0))],
  [rules.removeFromFull, withEntry(reason(8))],
  [rules.invalidityDate, withEntry(invalidity('20260530120000.5Z'))],
  [rules.invalidityDate, withEntry(extension('2.5.29.24', utcTime('260530120000Z')))],
  [rules.certificateIssuer, withEntry(extension('2.5.29.29', sequence(asn1(0xa4, caName)), true))],
  [rules.noExtensionsAtAll, { extensionList: Buffer.alloc(0) }],
  [rules.noAuthorityKey, { extensions: { authorityKey: undefined } }],
  [rules.noNumber, { extensions: { number: undefined } }],
  [rules.number, numbered(integer(0xff))],
  [rules.number, numbered(integer(1, ...new Array(20).fill(0)))],
  [rules.baseNumber, delta(10)],
  [rules.emptyScope, scoped()],
  [rules.scopeTwice, scoped(asn1(0x81, isTrue), asn1(0x82, isTrue))],
  [rules.scopeUnprocessed, scoped(pointName(url), asn1(0x83, Uint8Array.of(1, 0x7e)))],
  [rules.scopeUnprocessed, scoped(pointName(url), asn1(0x84, isTrue))],
  [rules.freshestInDelta, delta(7, { extensions: { freshest: freshest(point(url)) } })],
  [rules.issuerNoCrlSign, {}, withKeyUsage(0x04)],
];

/** Forged pairs: what is wrong between a delta and its base. */
const pairs: readonly (readonly [fault: string, changes: ForgedCrl, base: ForgedCrl])[] = [
  [shared.der, { version: integer(0, 1) }, {}],
  [rules.deltaIssuer, delta(7), { issuer: name('Another CA') }],
  [rules.deltaScope, delta(7), scoped(pointName('http://ca.example/1.crl'))],
  [rules.deltaScope, delta(7, { extensions: { scope: undefined } }), {}],
  [rules.deltaKey, delta(7), { extensions: { authorityKey: extension('2.5.29.35', sequence(asn1(0x80, 'x'))) } }],
  [rules.deltaIsFull, numbered(integer(9)), {}],
  [rules.baseIsDelta, delta(7), delta(7)],
  [rules.deltaBase, delta(8), {}],
  [rules.deltaNumber, delta(7), numbered(integer(10))],
  [rules.deltaTime, delta(7, { thisUpdate: utcTime('260531000000Z') }), {}],
];

/** What is wrong between a CRL and a certificate that points to the first of its CA. */
const scopes: readonly (readonly [fault: string, crl: ForgedCrl, certificate: Buffer])[] = [
  [rules.outOfScope, scoped(pointName('http://ca.example/1.crl')), forgeCertificate()],
  [rules.userCertsOnly, scoped(pointName(url), asn1(0x82, isTrue)), forgeCertificate()],
  [rules.userCertsOnly, scoped(asn1(0x81, isTrue)), forgeCertificate({ kind: 'ca' })],
  [rules.otherIssuer, { issuer: name('Another CA') }, forgeCertificate()],
];

function accessTo(method: string, location: string): Buffer {
  return extension('1.3.6.1.5.5.7.1.1', sequence(sequence(asn1Oid(method), asn1(0x86, location))));
}

function withKeyUsage(octet: number): Buffer {
  return forgeCertificate({ kind: 'root', extensions: { keyUsage: extension('2.5.29.15', bits(octet), true) } });
}

function withoutDetail(fault: string): string {
  return fault.replace(/ \([^()]*\)$/, '');
}

describe('The RFC 5280 check of CRLs', () => {
  it.each(rows.map(([fault, forged, under], i) => ({ fault, forged, under, i })))(
    '$i finds: $fault',
    ({ fault, forged, under = issuer }) => {
      expect(faultsOfCrl(forgeCrl(forged), { issuer: under }).map(withoutDetail)).toEqual([fault]);
    },
  );

  it.each(pairs.map(([fault, changes, base], i) => ({ fault, changes, base, i })))(
    '$i finds of a delta and its base: $fault',
    ({ fault, changes, base }) => {
      expect(faultsOfDelta(forgeCrl(changes), forgeCrl(base)).map(withoutDetail)).toEqual([fault]);
    },
  );

  it.each(scopes.map(([fault, crl, certificate], i) => ({ fault, crl, certificate, i })))(
    '$i finds of a CRL and a certificate: $fault',
    ({ fault, crl, certificate }) => {
      expect(faultsOfScope(forgeCrl(crl), certificate)).toEqual([fault]);
    },
  );

  it('has no rule that nothing here breaks', () => {
    const broken = new Set([...rows, ...pairs, ...scopes].map(([fault]) => fault));
    expect(Object.values(rules).filter((rule) => !broken.has(rule))).toEqual([]);
  });

  it.each<readonly [string, ForgedCrl]>([
    ['without entries', {}],
    ['with entries', listed(entry(integer(1), reason(1), invalidity('20260529120000Z')), entry(integer(2)))],
    ['that says where its delta is', { extensions: { freshest: freshest(point('http://ca.example/0-delta.crl')) } }],
    ['for all of its issuer', { extensions: { scope: undefined } }],
    ['that is a delta with an entry removed', delta(7, withEntry(reason(8)))],
  ])('finds nothing wrong with a good one: %s', (_, forged) => {
    expect(faultsOfCrl(forgeCrl(forged), { issuer })).toEqual([]);
  });

  it('finds nothing wrong between a delta, its base, and a certificate that they are of', () => {
    expect(faultsOfDelta(forgeCrl(delta(7)), forgeCrl())).toEqual([]);
    expect(faultsOfDelta(forgeCrl(delta(9)), forgeCrl(numbered(integer(9))))).toEqual([]);
    for (const certificate of [forgeCertificate(), forgeCertificate({ extensions: { points: undefined } })]) {
      expect(faultsOfScope(forgeCrl({ extensions: { scope: undefined } }), certificate)).toEqual([]);
    }
    expect(faultsOfScope(forgeCrl(), forgeCertificate())).toEqual([]);
  });
});
