import 'reflect-metadata';
import { createHash, generateKeyPairSync, sign, verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as peculiar from '@peculiar/x509';
import fc from 'fast-check';
import { decodeCertificate, extension, fingerprint } from '../../../src/x509/certificate.js';
import { DerError } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import * as e from '../../../src/x509/extensions.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import * as location from '../../../src/x509/location-extensions.js';
import { encodeName, formatName } from '../../../src/x509/names.js';
import * as oids from '../../../src/x509/oids.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { subjectKeyIdentifier } from '../../../src/x509/public-key.js';
import { serialNumberBytes, serialNumberHex } from '../../../src/x509/serial-number.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import { encodeCertificate, encodeTbsCertificate, randomSerialNumber } from '../../../src/x509/tbs-certificate.js';
import { damaged, x509Fixture } from './fixture.js';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = Uint8Array.from(keys.publicKey.export({ format: 'der', type: 'spki' }));
const algorithm = signatureAlgorithmFor('ec', 'sha256').identifier;
const issuer = encodeName(parseName('CN=Test CA,O=Example'));
const keyId = subjectKeyIdentifier(spki);
const encoded = (id: string, critical: boolean, value: Uint8Array) => e.encodeExtension({ id, critical, value });
const extensions = [
  encoded(oids.idCeBasicConstraints, true, e.encodeBasicConstraints({ ca: true, pathLength: 0 })),
  encoded(oids.idCeKeyUsage, true, e.encodeKeyUsage(['keyCertSign', 'cRLSign', 'decipherOnly'])),
  encoded(oids.idCeExtKeyUsage, false, e.encodeExtKeyUsage([oids.idKpClientAuth])),
  encoded(oids.idCeSubjectKeyIdentifier, false, e.encodeSubjectKeyIdentifier(keyId)),
  encoded(oids.idCeAuthorityKeyIdentifier, false, e.encodeAuthorityKeyIdentifier({ keyIdentifier: keyId })),
  encoded(
    oids.idCeSubjectAltName,
    false,
    encodeGeneralNames([
      { type: 'dns', value: 'a.example' },
      { type: 'ip', value: '2001:db8::1' },
    ]),
  ),
  encoded(oids.idCeCrlDistributionPoints, false, location.encodeCrlDistributionPoints(['http://crl.example/1.crl'])),
  encoded(
    oids.idPeAuthorityInfoAccess,
    false,
    location.encodeAuthorityInfoAccess({ caIssuers: ['http://aia.example/1.cer'], ocsp: ['http://ocsp.example'] }),
  ),
  encoded(oids.idCeCertificatePolicies, false, location.encodeCertificatePolicies(['1.3.6.1.4.1.99999.3'])),
];

function certificate(changes: { serialNumber?: Uint8Array; extensions?: Uint8Array[]; outer?: Uint8Array } = {}) {
  const tbs = encodeTbsCertificate({
    serialNumber: changes.serialNumber ?? Uint8Array.of(0xc0, 0xff, 0xee),
    signatureAlgorithm: algorithm,
    issuer,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2051-01-01T00:00:00Z'),
    subject: encodeName(parseName('CN=Gerät 1,O=Example,C=DE')),
    subjectPublicKeyInfo: spki,
    extensions: changes.extensions ?? extensions,
  });
  return encodeCertificate(tbs, changes.outer ?? algorithm, sign('sha256', tbs, keys.privateKey));
}

describe('Certificate (RFC 5280 4.1)', () => {
  it('writes what node and @peculiar/x509 read alike', () => {
    const der = certificate();
    const byNode = new X509Certificate(der);
    expect(byNode.verify(keys.publicKey)).toBe(true);
    expect(byNode.serialNumber).toBe('C0FFEE');
    expect(byNode.subject).toBe('C=DE\nO=Example\nCN=Gerät 1');
    expect(byNode.issuer).toBe('O=Example\nCN=Test CA');
    expect([byNode.validFrom, byNode.validTo]).toEqual(['Jan  1 00:00:00 2026 GMT', 'Jan  1 00:00:00 2051 GMT']);
    expect(byNode.ca).toBe(true);
    expect(byNode.subjectAltName).toBe('DNS:a.example, IP Address:2001:DB8:0:0:0:0:0:1');
    expect(byNode.infoAccess).toBe('OCSP - URI:http://ocsp.example\nCA Issuers - URI:http://aia.example/1.cer');
    expect(byNode.keyUsage).toEqual([oids.idKpClientAuth]);
    const byPeculiar = new peculiar.X509Certificate(der);
    expect(byPeculiar.extensions).toHaveLength(extensions.length);
    const usages =
      peculiar.KeyUsageFlags.keyCertSign | peculiar.KeyUsageFlags.cRLSign | peculiar.KeyUsageFlags.decipherOnly;
    expect(byPeculiar.getExtension(peculiar.KeyUsagesExtension)?.usages).toBe(usages);
    expect(byPeculiar.getExtension(peculiar.BasicConstraintsExtension)?.pathLength).toBe(0);
    expect(byPeculiar.getExtension(peculiar.CertificatePolicyExtension)?.policies).toEqual(['1.3.6.1.4.1.99999.3']);
    expect(byPeculiar.getExtension(peculiar.CRLDistributionPointsExtension)?.distributionPoints).toHaveLength(1);
    expect(byPeculiar.getExtension(peculiar.AuthorityKeyIdentifierExtension)?.keyId).toBe(
      Buffer.from(keyId).toString('hex'),
    );
  });

  it('reads what it writes', () => {
    const read = decodeCertificate(certificate());
    expect(read).toMatchObject({
      version: 3,
      serialNumber: 'c0ffee',
      issuer,
      subjectPublicKeyInfo: spki,
      signatureAlgorithm: algorithm,
    });
    expect([read.notBefore, read.notAfter]).toEqual([
      new Date('2026-01-01T00:00:00Z'),
      new Date('2051-01-01T00:00:00Z'),
    ]);
    expect(e.encodeExtensions(read.extensions)).toEqual(w.sequence(...extensions));
    expect(verify('sha256', read.tbs, keys.publicKey, read.signature)).toBe(true);
    expect(extension(read, '1.2.3')).toBeUndefined();
  });

  it('reads a CA certificate of openssl', () => {
    const der = x509Fixture('ca.cert.der');
    const read = decodeCertificate(der);
    const byNode = new X509Certificate(der);
    const value = (id: string) => extension(read, id) ?? new Uint8Array();
    expect(read.serialNumber).toBe('c0ffee0000000001');
    expect(read.notAfter).toEqual(new Date(byNode.validTo));
    expect(fingerprint(der)).toBe(byNode.fingerprint256.replaceAll(':', '').toLowerCase());
    expect(e.decodeBasicConstraints(value(oids.idCeBasicConstraints))).toEqual({ ca: true, pathLength: 1 });
    expect(e.decodeKeyUsage(value(oids.idCeKeyUsage))).toEqual(['keyCertSign', 'cRLSign']);
    expect(e.decodeSubjectKeyIdentifier(value(oids.idCeSubjectKeyIdentifier))).toEqual(
      subjectKeyIdentifier(read.subjectPublicKeyInfo),
    );
    const authority = e.decodeAuthorityKeyIdentifier(value(oids.idCeAuthorityKeyIdentifier));
    expect(authority).toEqual({
      keyIdentifier: subjectKeyIdentifier(read.subjectPublicKeyInfo),
      issuer: [{ type: 'directoryName', value: read.issuer }],
      serialNumber: 'c0ffee0000000001',
    });
    expect(e.encodeAuthorityKeyIdentifier(authority)).toEqual(value(oids.idCeAuthorityKeyIdentifier));
    expect(location.decodeCrlDistributionPoints(value(oids.idCeCrlDistributionPoints))).toEqual([
      'http://crl.example.com/root.crl',
    ]);
    expect(location.decodeAuthorityInfoAccess(value(oids.idPeAuthorityInfoAccess))).toEqual({
      caIssuers: ['http://aia.example.com/root.cer'],
      ocsp: ['http://ocsp.example.com'],
    });
    expect(location.decodeCertificatePolicies(value(oids.idCeCertificatePolicies))).toEqual([
      '1.3.6.1.4.1.99999.3',
      oids.anyPolicy,
    ]);
    expect(formatName(read.subject)).toBe('CN=Test CA,O=Example,DC=example');
  });

  it('writes version 1 without extensions', () => {
    expect(decodeCertificate(certificate({ extensions: [] }))).toMatchObject({ version: 1, extensions: [] });
  });

  it.each<[string, Uint8Array]>([
    [
      'an extension twice (4.2)',
      certificate({ extensions: [extensions[0] ?? w.nullValue, extensions[0] ?? w.nullValue] }),
    ],
    [
      'another algorithm outside than inside (4.1.1.2)',
      certificate({ outer: signatureAlgorithmFor('ec', 'sha1').identifier }),
    ],
    ...damaged(certificate()),
  ])('refuses %s', (_, der) => {
    expect(() => decodeCertificate(der)).toThrow(DerError);
  });

  it('fails with nothing but DerError on mutated certificates', () => {
    const original = certificate();
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.nat(255), (at, value) => {
        const der = Uint8Array.from(original);
        der[at] = value;
        try {
          for (const { value: content } of decodeCertificate(der).extensions) {
            for (const decode of [
              e.decodeKeyUsage,
              e.decodeAuthorityKeyIdentifier,
              e.decodeBasicConstraints,
              location.decodeCrlDistributionPoints,
              location.decodeAuthorityInfoAccess,
              location.decodeCertificatePolicies,
              location.decodeIssuingDistributionPoint,
            ]) {
              try {
                decode(content);
              } catch (error) {
                if (!(error instanceof DerError)) throw error;
              }
            }
          }
        } catch (error) {
          if (!(error instanceof DerError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('extensions', () => {
  it('accepts an explicit critical FALSE', () => {
    const der = w.sequence(w.sequence(w.oid('1.2.3'), w.boolean(false), w.octetString(w.nullValue)));
    expect(e.decodeExtensions(der)).toEqual([{ id: '1.2.3', critical: false, value: w.nullValue }]);
  });

  it.each(e.keyUsages)('writes and reads keyUsage %s', (usage) => {
    expect(e.decodeKeyUsage(e.encodeKeyUsage([usage]))).toEqual([usage]);
  });

  it('writes no path length for an end entity (4.2.1.9)', () => {
    expect(e.encodeBasicConstraints({ ca: false, pathLength: 3 })).toEqual(w.sequence());
    expect(e.decodeBasicConstraints(w.sequence(w.boolean(false)))).toEqual({ ca: false });
  });

  it.each<[string, () => unknown]>([
    ['an empty extKeyUsage', () => e.decodeExtKeyUsage(w.sequence())],
    [
      'a negative path length',
      () => e.decodeBasicConstraints(w.sequence(w.boolean(true), w.tlv(2, Uint8Array.of(0xff)))),
    ],
    [
      'a policy twice (4.2.1.4)',
      () => location.decodeCertificatePolicies(location.encodeCertificatePolicies(['1.2.3', '1.2.3'])),
    ],
    ['an indirect CRL', () => location.decodeIssuingDistributionPoint(w.sequence(w.implicit(4, w.boolean(true))))],
  ])('refuses %s', (_, decode) => {
    expect(decode).toThrow(DerError);
  });

  it('writes and reads issuingDistributionPoint (5.2.5)', () => {
    const urls = ['http://crl.example/2.crl', 'http://old.example/2.crl'];
    const point = { urls, onlyContainsUserCerts: true, onlyContainsCaCerts: false };
    expect(location.decodeIssuingDistributionPoint(location.encodeIssuingDistributionPoint(point))).toEqual(point);
  });
});

describe('serial numbers (RFC 5280 4.1.2.2)', () => {
  it.each([
    ['00', '00'],
    ['7f', '7f'],
    ['0080', '80'],
    ['0fff', '0fff'],
    ['ff', '-01'],
    ['80', '-80'],
    ['ff7f', '-81'],
  ])('shows INTEGER content %s as %s', (content, text) => {
    expect(serialNumberHex(Buffer.from(content, 'hex'))).toBe(text);
  });

  it('makes random numbers that are positive and fit into 20 octets', () => {
    for (let i = 0; i < 200; i++) {
      const serialNumber = randomSerialNumber();
      expect(w.unsignedInteger(serialNumber).length).toBeLessThanOrEqual(22);
      const read = decodeCertificate(certificate({ serialNumber, extensions: [] })).serialNumber;
      expect(BigInt(`0x${read}`)).toBe(BigInt(`0x${Buffer.from(serialNumberBytes(read)).toString('hex')}`));
    }
    expect(() => serialNumberBytes('C0')).toThrow(RangeError);
    expect(() => serialNumberBytes('-01')).toThrow(RangeError);
  });

  it('derives the SHA-256 fingerprint of the DER', () => {
    expect(fingerprint(spki)).toBe(createHash('sha256').update(spki).digest('hex'));
  });
});
