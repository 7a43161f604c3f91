import 'reflect-metadata';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as peculiar from '@peculiar/x509';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import * as crl from '../../../src/x509/crl.js';
import { DerError } from '../../../src/x509/der.js';
import * as w from '../../../src/x509/der-writer.js';
import { encodeName } from '../../../src/x509/names.js';
import { idCeCrlNumber } from '../../../src/x509/oids.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { importPublicKey } from '../../../src/x509/public-key.js';
import {
  decodeSignatureAlgorithm,
  signatureAlgorithmFor,
  verifySignature,
} from '../../../src/x509/signature-algorithms.js';
import { damaged, x509Fixture } from './fixture.js';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const algorithm = signatureAlgorithmFor('ec', 'sha256').identifier;
const revokedAt = new Date('2026-01-02T03:04:05Z');

function list(revokedCertificates: crl.RevokedCertificate[]): Uint8Array {
  const tbs = crl.encodeTbsCertList({
    signatureAlgorithm: algorithm,
    issuer: encodeName(parseName('CN=Test CA')),
    thisUpdate: revokedAt,
    nextUpdate: new Date('2050-01-01T00:00:00Z'),
    entries: Buffer.concat(revokedCertificates.map(crl.encodeRevokedCertificate)),
    extensions: [{ id: idCeCrlNumber, critical: false, value: w.smallInteger(7) }],
  });
  return crl.encodeCertificateList(tbs, algorithm, sign('sha256', tbs, privateKey));
}

describe('CertificateList (RFC 5280 5)', () => {
  it('reads and verifies a CRL of openssl', () => {
    const read = crl.decodeCertificateList(x509Fixture('two-entries.crl.der'));
    expect(read.revokedCertificates).toEqual([
      { serialNumber: '0a', revokedAt: new Date('2025-01-02T03:04:05Z'), reason: 'keyCompromise' },
      { serialNumber: 'ff01', revokedAt: new Date('2025-01-02T03:04:06Z') },
    ]);
    expect(read.extensions.find(({ id }) => id === idCeCrlNumber)?.value).toEqual(w.smallInteger(42));
    const issuer = decodeCertificate(x509Fixture('ca.cert.der'));
    const key = importPublicKey(issuer.subjectPublicKeyInfo);
    expect(verifySignature(decodeSignatureAlgorithm(read.signatureAlgorithm), key, read.tbs, read.signature)).toBe(
      true,
    );
    expect(read.issuer).toEqual(issuer.subject);
  });

  it('writes what @peculiar/x509 reads alike', () => {
    const der = list([
      { serialNumber: 'c0ffee', revokedAt, reason: 'cACompromise' },
      { serialNumber: '01', revokedAt, reason: 'unspecified' },
    ]);
    const read = new peculiar.X509Crl(der);
    expect(read.entries.map((entry) => [entry.serialNumber, entry.revocationDate, entry.reason])).toEqual([
      ['c0ffee', revokedAt, peculiar.X509CrlReason.cACompromise],
      ['01', revokedAt, undefined],
    ]);
    expect(read.nextUpdate).toEqual(new Date('2050-01-01T00:00:00Z'));
  });

  it('leaves an empty list out (5.1.2.6), and writes a long one', () => {
    expect(crl.decodeCertificateList(list([])).revokedCertificates).toEqual([]);
    const many = Array.from({ length: 150_000 }, (_, i) => ({
      serialNumber: i.toString(16).padStart(8, '0').replace(/^0000/, '01'),
      revokedAt,
    }));
    expect(crl.decodeCertificateList(list(many)).revokedCertificates).toHaveLength(150_000);
  });

  it('takes the entries out of a list as they are in it', () => {
    const entry = { serialNumber: 'c0ffee', revokedAt, reason: 'superseded', invalidityDate: revokedAt } as const;
    expect(crl.readEntries(list([entry, entry]))).toEqual(
      Uint8Array.from(Buffer.concat([entry, entry].map(crl.encodeRevokedCertificate))),
    );
    expect(crl.readEntries(list([]))).toEqual(new Uint8Array());
    expect(() => crl.readEntries(list([entry]).subarray(0, -1))).toThrow(DerError);
  });

  it('maps every reason to its code and back (5.3.1)', () => {
    expect(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(crl.revocationReasonOf).map((r) => r && crl.revocationReasonCode(r)),
    ).toEqual([0, 1, 2, 3, 4, 5, 6, undefined, 8, 9, 10, undefined]);
  });

  it.each(damaged(list([{ serialNumber: '01', revokedAt }])))('refuses a CRL that is %s', (_, der) => {
    expect(() => crl.decodeCertificateList(der)).toThrow(DerError);
  });

  it('refuses a critical extension of an entry that it does not know (5.3)', () => {
    const entry = w.sequence(
      w.smallInteger(1),
      w.time(revokedAt),
      w.sequence(w.sequence(w.oid('2.5.29.29'), w.boolean(true), w.octetString(w.nullValue))),
    );
    const tbs = w.sequence(w.smallInteger(1), algorithm, w.sequence(), w.time(revokedAt), w.sequence(entry));
    expect(() => crl.decodeCertificateList(w.sequence(tbs, algorithm, w.bitString(new Uint8Array(8))))).toThrow(
      DerError,
    );
  });
});
