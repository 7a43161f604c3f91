import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DerError } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import { decodeExtKeyUsage, decodeKeyUsage, encodeExtensions } from '../../../src/x509/extensions.js';
import { decodeGeneralNames, encodeGeneralNames, formatGeneralName } from '../../../src/x509/general-names.js';
import { formatName } from '../../../src/x509/names.js';
import * as oids from '../../../src/x509/oids.js';
import { decodeCertificationRequest, verifyCertificationRequest } from '../../../src/x509/pkcs10.js';
import { UnsupportedKeyError } from '../../../src/x509/public-key.js';
import { signatureAlgorithmFor, UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { damaged, x509Fixture } from './fixture.js';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = keys.publicKey.export({ format: 'der', type: 'spki' });
const attribute = (type: string, ...values: Uint8Array[]) => w.sequence(w.oid(type), w.setOf(...values));
const password = (text: string) => attribute(oids.pkcs9AtChallengePassword, w.printableString(text));
const extensionRequest = (type = oids.pkcs9AtExtensionRequest) =>
  attribute(type, encodeExtensions([{ id: oids.idCeKeyUsage, critical: true, value: w.namedBits([0]) }]));

function request(attributes: Uint8Array | undefined, version = 0): Uint8Array {
  const info = w.sequence(w.smallInteger(version), w.sequence(), spki, attributes);
  const signature = sign('sha256', info, keys.privateKey);
  return w.sequence(info, signatureAlgorithmFor('ec', 'sha256').identifier, w.bitString(signature));
}

describe('CertificationRequest (RFC 2986)', () => {
  it.each(['ec-p256', 'ec-p384', 'ec-compressed', 'rsa-2048', 'rsa-pss', 'ed25519', 'ed448'])(
    'reads and verifies a request of openssl: %s',
    (name) => {
      const csr = decodeCertificationRequest(x509Fixture(`${name}.csr.der`));
      expect(verifyCertificationRequest(csr)).toBe(true);
      expect(formatName(csr.subject)).toBe('CN=device-1.example.com,OU=Geräte,O=Example GmbH,C=DE');
      expect(csr.challengePassword).toBe('correct horse');
      const value = (id: string) => csr.extensions.find((e) => e.id === id)?.value ?? new Uint8Array();
      expect(decodeKeyUsage(value(oids.idCeKeyUsage))).toEqual(['digitalSignature', 'keyAgreement']);
      expect(decodeExtKeyUsage(value(oids.idCeExtKeyUsage))).toEqual([oids.idKpClientAuth, oids.idKpServerAuth]);
      const names = decodeGeneralNames(value(oids.idCeSubjectAltName));
      expect(names.map(formatGeneralName)).toEqual([
        'dns:device-1.example.com',
        'ip:192.0.2.7',
        'ip:2001:db8::7',
        'email:device@example.com',
        'uri:urn:example:device-1',
        'registeredId:1.3.6.1.4.1.99999.1',
        `otherName:1.3.6.1.4.1.99999.2:0c08${Buffer.from('serial-7').toString('hex')}`,
        'directoryName:CN=inner',
      ]);
      expect(encodeGeneralNames(names)).toEqual(value(oids.idCeSubjectAltName));
    },
  );

  it('reads a request without attributes, the field empty or absent', () => {
    const empty = decodeCertificationRequest(x509Fixture('no-attributes.csr.der'));
    expect([empty.attributes, empty.extensions, verifyCertificationRequest(empty)]).toEqual([[], [], true]);
    const absent = decodeCertificationRequest(request(undefined));
    expect([absent.attributes, verifyCertificationRequest(absent)]).toEqual([[], true]);
    expect('challengePassword' in absent).toBe(false);
  });

  it("reads Microsoft's extension request", () => {
    const csr = decodeCertificationRequest(request(w.tlv(0xa0, extensionRequest(oids.szOidCertExtensions))));
    expect(csr.extensions).toEqual([{ id: oids.idCeKeyUsage, critical: true, value: w.namedBits([0]) }]);
  });

  it('refuses explicit curve parameters', () => {
    const csr = decodeCertificationRequest(x509Fixture('ec-explicit-parameters.csr.der'));
    expect(() => verifyCertificationRequest(csr)).toThrow(UnsupportedKeyError);
  });

  it('does not verify a request that was changed after signing', () => {
    const der = Uint8Array.from(request(undefined));
    der[der.length - 1] = (der[der.length - 1] ?? 0) ^ 1;
    expect(verifyCertificationRequest(decodeCertificationRequest(der))).toBe(false);
  });

  it.each<[string, Uint8Array]>([
    ['another version', request(undefined, 1)],
    ['two extension requests', request(w.tlv(0xa0, extensionRequest(), extensionRequest()))],
    [
      'both kinds of extension request',
      request(w.tlv(0xa0, extensionRequest(), extensionRequest(oids.szOidCertExtensions))),
    ],
    ['two challenge passwords', request(w.tlv(0xa0, password('a'), password('b')))],
    [
      'a challenge password of two values',
      request(w.tlv(0xa0, attribute(oids.pkcs9AtChallengePassword, w.utf8String('a'), w.utf8String('b')))),
    ],
    ['an attribute without value', request(w.tlv(0xa0, attribute(oids.pkcs9AtChallengePassword)))],
    [
      '65 attributes',
      request(w.tlv(0xa0, ...Array.from({ length: 65 }, (_, i) => attribute(`1.2.3.${i}`, w.nullValue)))),
    ],
    ...damaged(request(undefined)),
  ])('refuses %s', (_, der) => {
    expect(() => decodeCertificationRequest(der)).toThrow(DerError);
  });

  it('fails only with declared errors on mutated requests', () => {
    const originals = ['ec-p256', 'rsa-pss', 'ec-compressed'].map((name) => x509Fixture(`${name}.csr.der`));
    fc.assert(
      fc.property(fc.constantFrom(...originals), fc.nat(), fc.nat(255), (original, at, value) => {
        const der = Uint8Array.from(original);
        der[at % der.length] = value;
        try {
          const csr = decodeCertificationRequest(der);
          formatName(csr.subject);
          verifyCertificationRequest(csr);
        } catch (error) {
          const isDeclared = [DerError, UnsupportedKeyError, UnsupportedAlgorithmError].some((e) => error instanceof e);
          if (!isDeclared) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });
});
