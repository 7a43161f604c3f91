import { describe, expect, it } from '@jest/globals';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { describeCertificate } from '../../../src/x509/describe-certificate.js';
import { encodeAuthorityInfoAccess, encodeCrlDistributionPoints } from '../../../src/x509/location-extensions.js';
import {
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  makeCertificate,
  policies,
  subjectAltName,
  type TestExtension,
} from '../../support/make-chain.js';

function extensionsOf(...extensions: readonly TestExtension[]) {
  return describeCertificate(decodeCertificate(makeCertificate({ subject: 'O=Plant,CN=x', extensions }))).extensions;
}

describe('the description of a certificate', () => {
  it('says in words what it is for', () => {
    const der = makeCertificate({
      subject: 'O=Plant,CN=x',
      issuer: 'CN=ca',
      key: 'rsa-described',
      extensions: [
        basicConstraints(true, 2),
        keyUsage('keyCertSign', 'cRLSign'),
        extendedKeyUsage('1.3.6.1.5.5.7.3.2', '1.2.3.4'),
        subjectAltName('dns:x.example'),
      ],
    });
    const { extensions, ...rest } = describeCertificate(decodeCertificate(der));
    expect(rest).toMatchObject({
      issuer: 'CN=ca',
      subject: 'CN=x,O=Plant',
      subjectAltNames: ['dns:x.example'],
      publicKey: { kind: 'rsa 2048', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2036-01-01T00:00:00.000Z',
      isCa: true,
      keyUsages: ['keyCertSign', 'cRLSign'],
      extendedKeyUsages: ['clientAuth', '1.2.3.4'],
    });
    expect(extensions.map(({ name, value }) => [name, value])).toEqual([
      ['basicConstraints', 'CA, path length 2'],
      ['keyUsage', 'keyCertSign, cRLSign'],
      ['extKeyUsage', 'clientAuth, 1.2.3.4'],
      ['subjectAltName', 'dns:x.example'],
    ]);
  });

  it('says where its CRL and CA certificate are', () => {
    const points = encodeCrlDistributionPoints(['http://a/crl']);
    const access = encodeAuthorityInfoAccess({ caIssuers: ['http://a/ca'], ocsp: ['http://a/ocsp'] });
    const described = extensionsOf(
      { id: '2.5.29.31', critical: false, value: points },
      { id: '1.3.6.1.5.5.7.1.1', critical: false, value: access },
      policies('1.2.3'),
    );
    expect(described.map(({ value }) => value)).toEqual([
      'http://a/crl',
      'OCSP http://a/ocsp, CA certificate http://a/ca',
      '1.2.3',
    ]);
  });

  it('gives what it has no words for in hex, and what it cannot read as well', () => {
    const unknown = { id: '1.2.3.4', critical: true, value: Uint8Array.of(4, 1, 7) };
    const broken = { id: '2.5.29.31', critical: false, value: Uint8Array.of(4, 1, 7) };
    expect(extensionsOf(unknown, broken)).toEqual([
      { id: '1.2.3.4', name: '1.2.3.4', critical: true, value: '040107' },
      { id: '2.5.29.31', name: 'cRLDistributionPoints', critical: false, value: '040107' },
    ]);
  });
});
