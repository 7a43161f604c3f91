import { describe, expect, it } from '@jest/globals';
import { faultyCertificates } from './faulty-certificates.js';
import { caName, extension, type ForgedCertificate, forgeCertificate, sequence, tag } from './forge.js';
import {
  cps,
  nameConstraints,
  oid,
  policies,
  policy,
  pss,
  pssPadding,
  purposes,
  root,
  rsaRoot,
  rsaSignature,
} from './forged-forms.js';
import { faultsOfCertificate } from './rfc5280-certificate.js';
import { certificateRules as rules, sharedRules as shared } from './rfc5280-rules.js';
import { asn1 } from './strict-asn1.js';

function withoutDetail(fault: string): string {
  return fault.replace(/ \([^()]*\)$/, '');
}

describe('The RFC 5280 check of certificates', () => {
  it.each(faultyCertificates.map(([fault, forged], i) => ({ fault, forged, i })))(
    '$i finds: $fault',
    ({ fault, forged }) => {
      const { under = root, ...changes } = forged;
      const kind = changes.kind ?? 'end-entity';
      const faults = faultsOfCertificate(forgeCertificate(changes), { issuer: under, kind });
      expect(faults.map(withoutDetail)).toEqual([fault]);
    },
  );

  it('has no rule that nothing here breaks', () => {
    const broken = new Set(faultyCertificates.map(([fault]) => fault));
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
